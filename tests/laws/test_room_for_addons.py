"""Stacks whose nodes keep pods away, or have no room, or that have none: add-ons run there, or it is said at once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.configs import changed
from support.stage import Stage, Theatre, quick_start

from eksprov.config.check import check
from eksprov.core.outcome import Status
from eksprov.local.aws.eks.addons.schemas import SCHEMAS
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.progress import Silent
from eksprov.operations.stack import open_stack
from eksprov.steps.addons.configuration import violations
from eksprov.steps.catalog.tolerations import PLACES, merged, tolerating

GPU = {"name": "gpu", "instance_types": ["g5.xlarge"], "desired_size": 2}
OWN_TAINT = {"key": "team", "value": "ml", "effect": "NO_EXECUTE"}
TAINTED = {
    "gpu": [GPU],
    "gpu-bottlerocket": [{**GPU, "ami_family": "bottlerocket"}],
    "neuron": [{**GPU, "instance_types": ["inf2.xlarge"]}],
    "own-taint": [{**GPU, "instance_types": ["m7i.large"], "taints": [OWN_TAINT]}],
    "several": [{**GPU, "taints": [OWN_TAINT]}, {**GPU, "name": "inf", "instance_types": ["inf2.xlarge"]}],
}
ADDONS = [{"name": name} for name in ("aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-fsx-csi-driver")]


def statuses(stage: Stage) -> dict[str, str]:
    """Of every add-on, read apart from the product."""
    eks, cluster = stage.account.plain("eks"), stage.config.name
    names = eks.list_addons(clusterName=cluster)["addons"]
    return {name: eks.describe_addon(clusterName=cluster, addonName=name)["addon"]["status"] for name in names}


@pytest.mark.parametrize("groups", TAINTED.values(), ids=TAINTED.keys())
def test_a_stack_that_has_tainted_nodes_alone_stands(theatre: Theatre, groups: list[dict[str, Any]]) -> None:
    with theatre.stage(changed(quick_start(), node_groups=groups, addons=ADDONS)) as stage:
        began = stage.clock.now()
        report = stage.provision()
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        assert stage.clock.now() - began < 1200
        assert set(statuses(stage).values()) == {"ACTIVE"}
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}


def test_where_one_group_takes_all_pods_the_addons_keep_their_own_tolerations(theatre: Theatre) -> None:
    for beside in ({"name": "m", "instance_types": ["m7i.large"]}, {**GPU, "name": "open", "accelerator_taint": False}):
        with theatre.stage(changed(quick_start(), node_groups=[GPU, beside])) as stage:
            addons = [step for step in stage.opened().steps if step.kind == "addon"]
            assert not [step.name for step in addons if "tolerations" in getattr(step, "configuration", "")]


def test_a_stack_without_nodes_does_not_wait_for_pods_that_will_never_run(theatre: Theatre) -> None:
    for groups in ([], [{**GPU, "desired_size": 0}]):
        with theatre.stage(changed(quick_start(), node_groups=groups)) as stage:
            began = stage.clock.now()
            report = stage.provision()
            assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
            assert stage.clock.now() - began < 700
            assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
            said = {outcome.name: outcome.message for outcome in report.outcomes}
            made = stage.provision()
            assert "the config has none" in {o.name: o.message for o in made.outcomes}["addon/coredns"], said
            assert stage.teardown().ok


@pytest.mark.parametrize("name", PLACES)
def test_every_deployment_is_told_in_the_words_of_its_own_schema(name: str) -> None:
    taint = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    told = tolerating(name, (taint,))
    assert taint in json.loads(json.dumps(told)).get("tolerations", told.get("controller", {}).get("tolerations"))
    assert violations(SCHEMAS[name], told) == ()
    assert tolerating(name, ()) == {}


def test_what_the_config_says_of_an_addon_wins_key_by_key() -> None:
    ours = {"a": 1, "controller": {"tolerations": [1], "x": 1}}
    assert merged(ours, {"controller": {"tolerations": [2], "y": 2}, "b": 3}) == {
        "a": 1,
        "b": 3,
        "controller": {"tolerations": [2], "x": 1, "y": 2},
    }
    assert merged(ours, {"controller": None}) == {"a": 1, "controller": None}


@pytest.mark.parametrize(
    ("keys", "level", "said"),
    [
        ({"autoscaler": "karpenter"}, "error", "karpenter has no node to run on"),
        ({"autoscaler": "cluster-autoscaler"}, "error", "cluster-autoscaler has no node to run on"),
        ({"addons": [{"name": "aws-mountpoint-s3-csi-driver"}]}, "error", "tolerates no taints"),
        ({"models": [{"name": "m", "path": "m"}]}, "warning", "models tolerate no taints"),
    ],
)
@pytest.mark.parametrize("groups", TAINTED.values(), ids=TAINTED.keys())
def test_validate_says_what_cannot_run_on_tainted_nodes(
    groups: list[dict[str, Any]], keys: dict[str, Any], level: str, said: str
) -> None:
    found = [problem for problem in check(changed(quick_start(), **{"models": [], "node_groups": groups, **keys}))]
    assert [(problem.level, said in problem.message) for problem in found] == [(level, True)]
    open_group = {"name": "m", "instance_types": ["m7i.large"]}
    assert check(changed(quick_start(), **{"models": [], "node_groups": [*groups, open_group], **keys})) == []


@pytest.mark.parametrize(
    ("instance", "count", "fits"),
    [
        ("t3.nano", 2, False),
        ("t3.nano", 20, False),
        ("t3.micro", 2, False),
        ("t3.small", 2, True),
        ("m7i.large", 1, True),
    ],
)
def test_nodes_without_room_for_the_addons_are_named_before_anything_is_made(
    theatre: Theatre, instance: str, count: int, fits: bool
) -> None:
    group = {"name": "small", "instance_types": [instance], "desired_size": count, "max_size": count}
    with theatre.stage(changed(quick_start(), node_groups=[group])) as stage:
        opened = stage.opened()
        found = {finding.name: finding for finding in doctor(opened, make_plan(opened)).listed}
        assert ("system-pods" in found) is not fits
        if not fits:
            assert found["system-pods"].level == "error"
            assert instance in found["system-pods"].message
        if instance == "t3.micro":
            return  # whose pod gets the last place hangs on which add-on comes first
        heard = Heard()
        report = provision(open_stack(replace(stage.process(), progress=heard), mint=True))
        assert report.ok is fits  # what the scheduler of this world makes of it
        assert heard.empty == set()
        if not fits:
            wrong = {outcome.name: outcome.message for outcome in report.outcomes if not outcome.good}
            assert "nodes are available" in wrong["addon/metrics-server"]
            assert any("nodes are available" in text for text in heard.told["addon/metrics-server"])


class Heard(Silent):
    """Keeps what is said of waits."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def waiting(self, name: str, message: str) -> None:
        self.told.setdefault(name, []).append(message)

    @property
    def empty(self) -> set[str]:
        """Steps that have waited without a word for what."""
        return {name for name, texts in self.told.items() if "" in texts}


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        ({}, True),
        ({"addons": [{"name": "vpc-cni", "configuration": {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}}]}, False),
    ],
)
def test_more_pods_than_addresses_are_warned_about(theatre: Theatre, more: dict[str, Any], warned: bool) -> None:
    """An m7i.large has three interfaces of ten addresses: 29 pods."""
    for limit, expected in ((29, False), (30, warned)):
        group = {"name": "g", "instance_types": ["m7i.large"], "max_pods": limit}
        with theatre.stage(changed(quick_start(), node_groups=[group], **more)) as stage:
            opened = stage.opened()
            names = {finding.name for finding in doctor(opened, make_plan(opened)).listed}
            assert ("max-pods" in names) is expected


def test_node_repair_comes_with_the_agent_that_sees_what_is_broken(theatre: Theatre) -> None:
    plain = {"name": "g", "instance_types": ["m7i.large"]}
    for group, there in (({**plain, "node_repair": True}, True), (plain, False)):
        with theatre.stage(changed(quick_start(), node_groups=[group])) as stage:
            assert stage.provision().ok
            found = statuses(stage)
            assert (found.get("eks-node-monitoring-agent") == "ACTIVE") is there
            assert there or "eks-node-monitoring-agent" not in found


def test_options_that_need_an_addon_say_so() -> None:
    watching = {"dashboards": True, "container_log_retention_days": 7}
    found = check(changed(quick_start(), monitoring=watching))
    assert [(problem.level, problem.path) for problem in found] == [
        ("warning", "monitoring.dashboards"),
        ("warning", "monitoring.container_log_retention_days"),
    ]
    agent = [{"name": "amazon-cloudwatch-observability"}]
    assert check(changed(quick_start(), monitoring=watching, addons=agent)) == []


@pytest.mark.parametrize("before", [[], [{"name": "m", "instance_types": ["m7i.large"], "desired_size": 0}]])
def test_a_stack_that_waits_for_its_first_nodes_takes_tainted_ones(theatre: Theatre, before: list[Any]) -> None:
    with theatre.stage(changed(quick_start(), node_groups=before)) as stage:
        assert stage.provision().ok
        began = stage.clock.now()
        assert stage.provision(changed(quick_start(), node_groups=[GPU])).ok
        assert stage.clock.now() - began < 600
        assert set(statuses(stage).values()) == {"ACTIVE"}


def test_an_addon_whose_pods_found_no_node_is_told_of_new_taints_and_not_waited_for(theatre: Theatre) -> None:
    """EKS has given up on it; the tolerations that the config now asks for are what it waits for."""
    with theatre.stage(changed(quick_start(), node_groups=[])) as stage:
        assert stage.provision().ok
        stage.clock.sleep(1500)
        assert statuses(stage)["coredns"] == "DEGRADED"
        began = stage.clock.now()
        report = stage.provision(changed(quick_start(), node_groups=TAINTED["own-taint"]))
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        assert stage.clock.now() - began < 900
        assert set(statuses(stage).values()) == {"ACTIVE"}
