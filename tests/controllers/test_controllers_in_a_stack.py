"""Objects in the cluster as part of the stack: made with it, planned with it, dropped with their key, gone with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.kubernetes import EmptyKube
from support.memory_kube import MemoryKube
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.controllers.cluster_autoscaler import cluster_autoscaler
from eksprov.controllers.parts import ControllerFacts
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, PhaseState
from eksprov.kube.api import Ref
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.stack import open_stack

DEPLOYMENT = Ref("apps/v1", "Deployment", "kube-system", "cluster-autoscaler")
TEMPLATE = "k8s.io/cluster-autoscaler/node-template/"


def with_autoscaler(**more: Any) -> Config:
    group = {"name": "main", "instance_types": ["m7i.large"], "labels": {"team": "ml"}, "disk_size_gib": 60}
    changed = {"autoscaler": "cluster-autoscaler", "node_groups": [group], **more}
    return Config.model_validate_json(_json({**quick_start().model_dump(mode="json"), **changed}))


def _json(data: Any) -> str:
    import json

    return json.dumps(data)


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(with_autoscaler()) as stage:
        yield stage


@pytest.fixture(scope="module")
def standing(theatre: Theatre) -> Iterator[Stage]:
    """The stack without its autoscaler, made once; tests that take it are the last, and each leaves it so."""
    with theatre.stage(with_autoscaler()) as stage:
        assert stage.provision(with_autoscaler(autoscaler="none")).ok
        yield stage


def kube(stage: Stage) -> MemoryKube:
    return next(iter(stage.kubernetes.apis.values()))


def tags(stage: Stage) -> dict[str, str]:
    groups = stage.account.plain("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {tag["Key"]: tag["Value"] for group in groups for tag in group["Tags"]}


def test_one_run_makes_role_bond_tags_and_objects_and_a_second_changes_nothing(stage: Stage) -> None:
    report = stage.provision()
    assert report.ok, [o for o in report.outcomes if not o.good]
    assert DEPLOYMENT in kube(stage).refs()
    iam = stage.account.plain("iam")
    role = iam.get_role(RoleName="quickstart-us-west-2-cluster-autoscaler")["Role"]
    bonds = stage.account.plain("eks").list_pod_identity_associations(clusterName="quickstart")["associations"]
    assert ("kube-system", "cluster-autoscaler") in {(b["namespace"], b["serviceAccount"]) for b in bonds}
    assert role["Path"] == "/eksprov/"
    found = tags(stage)
    assert found[f"{TEMPLATE}label/team"] == "ml"
    assert found[f"{TEMPLATE}resources/ephemeral-storage"] == "60Gi"
    kube(stage).calls.clear()
    again = stage.provision()
    assert {o.status for o in again.outcomes} == {Status.UNCHANGED}
    assert kube(stage).writes == []


def test_a_stack_without_such_objects_opens_no_api_server(theatre: Theatre) -> None:
    with theatre.stage() as stage:

        def nobody(name: str, _: Any) -> Any:
            raise AssertionError(f"{name} was asked")

        assert provision(open_stack(replace(stage.process(), kube=nobody), mint=True)).ok
        assert not make_plan(open_stack(replace(stage.process(), kube=nobody), mint=False)).changes


def test_a_plan_shows_the_objects_before_there_is_a_cluster_and_nothing_after(stage: Stage) -> None:
    before = make_plan(open_stack(stage.process(), mint=False))
    line = next(line for line in before.lines if line.name == "controller/cluster-autoscaler/deployment")
    assert line.change.action is Action.CREATE
    assert stage.kubernetes.apis == {}
    stage.provision()
    assert not make_plan(open_stack(stage.process(), mint=False)).changes
    kube(stage).delete(DEPLOYMENT)
    after = make_plan(open_stack(stage.process(), mint=False))
    assert [(line.name, line.change.action) for line in after.changes] == [(line.name, Action.CREATE)]


def test_what_the_autoscaler_did_to_the_size_is_left_alone_and_what_the_config_says_is_not(theatre: Theatre) -> None:
    for config, size in ((with_autoscaler(), 3), (with_autoscaler(autoscaler="none"), 2)):
        with theatre.stage(config) as stage:
            stage.provision()
            eks = stage.account.plain("eks")
            group = eks.describe_nodegroup(clusterName="quickstart", nodegroupName="main")["nodegroup"]
            name = group["resources"]["autoScalingGroups"][0]["name"]
            stage.account.plain("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
            stage.clock.sleep(600)
            assert stage.provision().ok
            after = eks.describe_nodegroup(clusterName="quickstart", nodegroupName="main")["nodegroup"]
            assert after["scalingConfig"]["desiredSize"] == size


class Bouncer(EmptyKube):
    """An API server that lets nobody in for a while."""

    def __init__(self, inside: MemoryKube, refusals: int) -> None:
        self.inside, self.refusals = inside, refusals

    def get(self, ref: Ref) -> dict[str, Any] | None:
        if self.refusals:
            self.refusals -= 1
            raise errors.AccessError("Unauthorized", "add yourself to access")
        return self.inside.get(ref)

    def __getattribute__(self, name: str) -> Any:
        own = name in ("get", "inside", "refusals") or name.startswith("__")
        return object.__getattribute__(self, name) if own else getattr(self.inside, name)


def test_a_new_way_in_that_is_not_open_yet_is_waited_for_an_old_one_that_is_shut_is_an_error(stage: Stage) -> None:
    made = Bouncer(MemoryKube(), 5)
    process = replace(stage.process(), kube=lambda *_: made)
    assert provision(open_stack(process, mint=True)).ok
    assert DEPLOYMENT in made.inside.refs()
    shut = Bouncer(made.inside, 10_000)
    report = provision(open_stack(replace(stage.process(), kube=lambda *_: shut), mint=True))
    failed = [outcome for outcome in report.outcomes if outcome.status is Status.FAILED]
    assert {outcome.message for outcome in failed} == {"Unauthorized"}
    assert stage.store.load() is not None


def test_a_controller_that_finds_no_node_says_why() -> None:
    steps = {
        step.name: step
        for step in cluster_autoscaler(ControllerFacts("demo", "id-1", "demo", "us-west-2", "1.36", ()), (), ())
    }
    step, why = steps["controller/cluster-autoscaler/deployment"], "0/1 nodes are available: 1 Insufficient memory"
    for kube, said in ((MemoryKube(unfit=lambda pod: why), f"1 pod: {why}"), (MemoryKube(), "")):
        step.create(kube, step.desired(Outputs()), "")
        have = step.discover(kube)
        assert have is not None
        assert said in have.phase.message
        assert (have.phase.state is PhaseState.MOVING) is bool(said)


@pytest.mark.apart
def test_a_key_that_goes_takes_its_objects_role_and_tags_along(standing: Stage) -> None:
    standing.provision()
    plain = with_autoscaler(autoscaler="none")
    assert make_plan(open_stack(standing.process(plain), mint=False)).count(Action.DELETE) == 10
    report = standing.provision(plain)
    assert report.ok
    assert kube(standing).refs() == set()
    assert not [key for key in tags(standing) if key.startswith((TEMPLATE, "eksprov:"))]
    names = {r["RoleName"] for r in standing.account.plain("iam").list_roles(PathPrefix="/eksprov/")["Roles"]}
    assert "quickstart-us-west-2-cluster-autoscaler" not in names
    assert {o.status for o in standing.provision(plain).outcomes} == {Status.UNCHANGED}


@pytest.mark.apart
def test_a_rollout_that_never_ends_does_not_hold_up_teardown(standing: Stage) -> None:
    standing.provision()
    kube(standing).rollout = "stuck"
    began = standing.clock.now()
    gone = standing.teardown()
    assert gone.ok
    assert standing.clock.now() - began < 900


@pytest.mark.apart
@pytest.mark.parametrize("forgotten", [False, True], ids=["with-state", "state-lost"])
def test_teardown_takes_the_objects_before_the_nodes_and_leaves_nothing(standing: Stage, forgotten: bool) -> None:
    standing.provision()
    standing.account.plain("s3")
    if forgotten:
        standing.store.forget()
    gone = standing.teardown(with_autoscaler(autoscaler="none") if forgotten else None)
    assert gone.ok, [o for o in gone.report.outcomes if not o.good]
    ended = [outcome.name for outcome in gone.report.outcomes if outcome.status is Status.DELETED]
    objects = [ended.index(name) for name in ended if name.startswith("controller/")]
    assert len(objects) == 7
    assert max(objects) < ended.index("node-group/main")
    assert {kind: items for kind, items in standing.grown().items() if items} == {}


class DyingError(Exception):
    """The process ends here."""


class Mortal:
    """An API server whose nth change is the process's last, lost on the way there or on the way back."""

    def __init__(self, inside: MemoryKube, at: int, late: bool) -> None:
        self._inside, self._left, self._late = inside, at, late

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inside, name)
        if name not in ("apply", "delete"):
            return found

        def dying(*arguments: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._late:
                raise DyingError
            answer = found(*arguments, **more)
            if self._left == 0:
                raise DyingError
            return answer

        return dying


@pytest.mark.apart
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 4, 7])
def test_a_crash_at_any_change_of_the_cluster_is_mended_by_the_next_run(standing: Stage, at: int, late: bool) -> None:
    mortal = replace(standing.process(), kube=lambda *_: Mortal(kube(standing), at, late))
    with pytest.raises(DyingError):
        provision(open_stack(mortal, mint=True))
    assert standing.provision().ok
    assert len(kube(standing).refs()) == 7
    dying = replace(standing.process(), kube=lambda *_: Mortal(kube(standing), at, late))
    with pytest.raises(DyingError):
        teardown(open_stack(dying, mint=False))
    assert standing.teardown().ok
    assert {kind: items for kind, items in standing.grown().items() if items} == {}
