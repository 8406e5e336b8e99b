"""A model's deployment as steps, run by the real executor against Kubernetes in memory, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.clock import VirtualClock
from support.memory_kube import MemoryKube
from support.memory_ledger import MemoryLedger
from support.samples import package, spec

from eksprov import errors
from eksprov.core.change import Action, diff
from eksprov.core.convergence.converge import Run, converge, remove
from eksprov.core.executor import Walk, order
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import nodes, removal_nodes
from eksprov.core.step import AnyStep, Outputs, Owner, PhaseState
from eksprov.kube.api import ConflictError, KubeApi, Ref
from eksprov.serving import KINDS
from eksprov.serving.endpoint import ModelEndpoint
from eksprov.serving.files import ModelFiles
from eksprov.serving.graph import is_shared, model_steps
from eksprov.serving.objects import KubeObject, KubeWorkload
from eksprov.serving.sizing import NodeType, fit

DEPLOYMENT = Ref("apps/v1", "Deployment", "models", "digits")


def steps(**model: Any) -> tuple[Any, ...]:
    return model_steps(spec(**model), package(Path()), "model/digits/association")


def run_in(kube: MemoryKube, clock: VirtualClock | None = None) -> Run[KubeApi]:
    return Run(Owner("demo", "id-1"), clock or VirtualClock(), kube, MemoryLedger())


def in_cluster(**model: Any) -> list[Any]:
    return [step for step in steps(**model) if step.world == "kube"]


def deploy(kube: MemoryKube, some: list[Any], clock: VirtualClock | None = None) -> dict[str, Outcome]:
    by_name, run = {s.name: s for s in some}, run_in(kube, clock)
    walk = Walk(nodes(some), lambda n: converge(by_name[n], Outputs(), run), lambda _: None)
    return dict(walk.run(workers=1))


def undeploy(kube: MemoryKube, some: list[Any]) -> dict[str, Outcome]:
    step_found = {s.name: type(s).from_record(s.name, s.slug, needs=s.needs) for s in some}
    walk = Walk(removal_nodes(list(step_found.values())), lambda n: remove(step_found[n], run_in(kube)), lambda _: None)
    return dict(walk.run(workers=1))


def test_deploying_makes_all_and_deploying_again_changes_nothing() -> None:
    kube = MemoryKube()
    first = deploy(kube, in_cluster())
    assert all(outcome.good for outcome in first.values())
    assert len(kube.refs()) == 8
    kube.calls.clear()
    assert {o.status for o in deploy(kube, in_cluster()).values()} == {Status.UNCHANGED}
    assert kube.writes == []


def test_undeploying_leaves_nothing_and_twice_is_once() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    assert all(outcome.good for outcome in undeploy(kube, in_cluster()).values())
    assert kube.refs() == set()
    assert {o.status for o in undeploy(kube, in_cluster()).values()} == {Status.ABSENT}


def test_a_survey_of_all_kinds_finds_exactly_what_was_made() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    kinds: list[type[AnyStep]] = [kind for kind in KINDS if kind.world == "kube"]
    seen = [s for kind in kinds for s in kind.list_owned(kube, "demo")]
    assert {Ref.parse(s.slug) for s in seen} == kube.refs()
    made = {s.name for s in in_cluster() if not isinstance(s, ModelEndpoint)}
    assert {s.owner.step for s in seen} == made
    assert [s for kind in kinds for s in kind.list_owned(kube, "other")] == []


def test_pods_wait_for_files_identity_network_and_service_account() -> None:
    some = steps()
    ranked = order(nodes(some))
    position = {name: ranked.index(name) for name in ranked}
    deployment = position["model/digits/deployment"]
    for part in ("files", "network-policy", "service-account", "service"):
        assert position[f"model/digits/{part}"] < deployment
    assert "model/digits/association" in next(s for s in some if isinstance(s, KubeWorkload)).needs
    assert position["model/@models/namespace"] < position["model/@models/default-deny"] < deployment
    assert ranked[-1] == "model/digits/endpoint"


def test_two_models_of_a_namespace_share_equal_steps() -> None:
    one, two = ({s.name: s for s in steps(name=name)} for name in ("digits", "iris"))
    common = one.keys() & two.keys()
    assert (
        {name for name in one if is_shared(name)} == common == {"model/@models/namespace", "model/@models/default-deny"}
    )
    assert all(one[name] == two[name] for name in common)


def test_a_stranger_under_our_name_is_left_alone() -> None:
    kube = MemoryKube()
    kube.apply_as("them", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}})
    before = kube.get(Ref("v1", "Namespace", "", "models"))
    outcomes = deploy(kube, in_cluster())
    assert outcomes["model/@models/namespace"].status is Status.FAILED
    assert outcomes["model/digits/deployment"].status is Status.SKIPPED
    assert kube.get(Ref("v1", "Namespace", "", "models")) == before
    assert kube.writes[1:] == []


def test_a_change_by_hand_is_taken_back() -> None:
    kube = MemoryKube()
    some = in_cluster()
    deploy(kube, some)
    edit = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}}
    meta = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "digits", "namespace": "models"}}
    kube.apply_as("kubectl-edit", {**meta, **edit}, force=True)
    outcome = deploy(kube, some)["model/digits/deployment"]
    assert outcome.status is Status.UPDATED
    live = kube.get(DEPLOYMENT)
    assert live is not None
    assert live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 1


def test_a_field_of_another_program_is_not_fought_over() -> None:
    kube = MemoryKube()
    step = next(s for s in in_cluster() if isinstance(s, KubeWorkload))
    deploy(kube, in_cluster())
    meta = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "digits", "namespace": "models"}}
    kube.apply_as("argocd", {**meta, "spec": {"revisionHistoryLimit": 9}}, force=True)
    with pytest.raises(ConflictError, match="argocd") as caught:
        converge(step, Outputs(), run_in(kube))
    assert caught.value.managers == ("argocd",)


def test_the_replicas_that_the_autoscaler_set_are_no_difference() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    meta = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "digits", "namespace": "models"}}
    kube.apply_as("kube-controller-manager", {**meta, "spec": {"replicas": 7}})
    assert deploy(kube, in_cluster())["model/digits/deployment"].status is Status.UNCHANGED
    live = kube.get(DEPLOYMENT)
    assert live is not None
    assert live["spec"]["replicas"] == 7


@pytest.mark.parametrize("manager", ["kubectl", "kube-downscaler"])
def test_no_replicas_at_all_are_a_difference_that_is_taken_back(manager: str) -> None:
    """Whoever scaled it to 0: the autoscaler would leave it there for ever."""
    kube = MemoryKube()
    some = in_cluster()
    deploy(kube, some)
    step = next(s for s in some if isinstance(s, KubeWorkload))
    meta = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "digits", "namespace": "models"}}
    kube.apply_as(manager, {**meta, "spec": {"replicas": 0}}, force=True)
    have = step.discover(kube)
    assert have is not None
    change = diff(step.desired(Outputs()), have)
    assert change.names == ("fields",)
    want = change.fields[0].want
    assert {
        name: (value, change.fields[0].have[name]) for name, value in want.items() if value != have.fields[name]
    } == {"spec.replicas": ("1 or more", "0")}
    assert deploy(kube, some)["model/digits/deployment"].status is Status.UPDATED
    live = kube.get(DEPLOYMENT)
    assert live is not None
    assert live["spec"]["replicas"] == 1
    assert {o.status for o in deploy(kube, some).values()} == {Status.UNCHANGED}


def test_a_field_no_longer_sent_is_a_difference() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster(drain_s=15))
    assert deploy(kube, in_cluster(drain_s=0))["model/digits/deployment"].status is Status.UPDATED
    live = kube.get(DEPLOYMENT)
    assert live is not None
    assert "lifecycle" not in live["spec"]["template"]["spec"]["containers"][0]


def crash(kube: MemoryKube, revision: str) -> None:
    """A pod of this revision whose server has ended four times."""
    labels = {"app.kubernetes.io/name": "digits", "eksprov.dev/stack": "demo", "eksprov.dev/revision": revision}
    meta = {"name": "digits-x", "namespace": "models", "labels": labels}
    status = {"name": "server", "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    status["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"containerStatuses": [status]}}
    pod["spec"] = next(s for s in in_cluster() if isinstance(s, KubeWorkload)).manifest["spec"]["template"]["spec"]
    kube.lines["models", "digits-x", "server"] = ["boom"]
    kube.apply_as("kubelet", pod, force=True)


def revision(step: KubeWorkload) -> str:
    return str(step.manifest["metadata"]["labels"]["eksprov.dev/revision"])


def test_a_rollout_that_crashes_fails_with_its_cause_and_skips_the_endpoint() -> None:
    kube = MemoryKube(rollout="stuck")
    some = in_cluster()
    step = next(s for s in some if isinstance(s, KubeWorkload))
    deploy(kube, some[:2])
    crash(kube, revision(step))
    outcomes = deploy(kube, some)
    assert outcomes["model/digits/deployment"].status is Status.FAILED
    assert "the server ends by itself" in outcomes["model/digits/deployment"].message
    assert "boom" in outcomes["model/digits/deployment"].message
    assert outcomes["model/digits/endpoint"].status is Status.SKIPPED


def test_a_failed_rollout_does_not_keep_its_cure_from_being_applied() -> None:
    kube = MemoryKube(rollout="stuck")
    broken = next(s for s in in_cluster() if isinstance(s, KubeWorkload))
    deploy(kube, in_cluster()[:2])
    crash(kube, revision(broken))
    deploy(kube, in_cluster())
    cure = next(s for s in in_cluster(memory_mib=4096) if isinstance(s, KubeWorkload))
    for step, state in ((broken, PhaseState.FAILED), (cure, PhaseState.READY)):
        have = step.discover(kube)
        assert have is not None
        assert step.phase(have).state is state
    kube.rollout = "ready"
    outcome = deploy(kube, in_cluster(memory_mib=4096))["model/digits/deployment"]
    assert outcome.status is Status.UPDATED


def test_an_object_that_took_the_place_of_the_one_read_is_not_deleted() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    step = next(s for s in in_cluster() if s.name == "model/digits/service")
    have = step.discover(kube)
    kube.delete(step.ref)
    kube.apply(step.manifest)
    with pytest.raises(errors.ProvisioningError, match="UID"):
        step.delete(kube, have)
    assert step.discover(kube) is not None


def test_the_endpoint_waits_for_an_answer_and_for_the_wanted_replicas() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    endpoint = next(s for s in in_cluster(replicas={"min": 2, "max": 3}) if isinstance(s, ModelEndpoint))
    have = endpoint.discover(kube)
    assert have is not None
    assert endpoint.phase(have).state is PhaseState.MOVING
    assert "1 of 2 replicas" in endpoint.phase(have).message
    kube.rollout = "stuck"
    have = replace(endpoint, min_replicas=1).discover(kube)
    assert have is not None
    assert "HTTP 503" in endpoint.phase(have).message
    clock = VirtualClock()
    with pytest.raises(errors.WaitTimeoutError, match="does not answer yet"):
        converge(endpoint, Outputs(), run_in(kube, clock))


def test_a_changed_manifest_is_an_update_with_the_fields_that_differ() -> None:
    kube = MemoryKube()
    deploy(kube, in_cluster())
    step = next(s for s in in_cluster(memory_mib=2048) if isinstance(s, KubeWorkload))
    change = diff(step.desired(Outputs()), step.discover(kube))
    assert change.action is Action.UPDATE
    assert change.names == ("fields",)
    want, have = change.fields[0].want, change.fields[0].have
    differing = {path.rpartition(".")[2] for path in want if want[path] != have.get(path)}
    assert differing == {"memory", "dev/revision", "dev/rendered"}


def test_revived_steps_find_and_forget_by_slug_alone() -> None:
    service = KubeObject.from_record("x", "v1|Service|n|s")
    assert isinstance(service, KubeObject)
    assert service.ref == Ref("v1", "Service", "n", "s")
    assert ModelEndpoint.from_record("x", "n/s").discover(MemoryKube()) is None
    files = ModelFiles.from_record("x", "bucket/models/digits/")
    assert isinstance(files, ModelFiles)
    assert (files.bucket, files.prefix) == ("bucket", "models/digits/")


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        ({}, True),
        ({"cpu": 1.7}, True),
        ({"cpu": 2}, False),
        ({"memory_mib": 7418}, True),
        ({"memory_mib": 7419}, False),
    ],
)
def test_a_replica_must_fit_on_what_the_largest_node_has_left(model: dict[str, Any], fits: bool) -> None:
    large = NodeType("m7i.large", 2, 8192, 29, 50)
    assert (fit(spec(**model), [large]) is None) is fits
    if not fits:
        problem = fit(spec(**model), [NodeType("t3.micro", 2, 1024, 4, 20), large])
        assert problem is not None
        assert "m7i.large" in problem.message


def test_a_model_larger_than_the_disk_does_not_fit_and_no_nodes_fit_nothing() -> None:
    large = NodeType("m7i.large", 2, 8192, 29, 50)
    assert fit(spec(size_bytes=60 * 2**30), [large]) is not None
    assert fit(spec(), []) is not None
