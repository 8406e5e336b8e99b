"""An add-on: a version that is pinned or kept, our keys of its configuration, its role in the create call."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, PhaseState
from eksprov.steps.addons.addon import Addon, AddonFacts, _parsed


def addon_of(bench: Bench, name: str = "vpc-cni", **more: Any) -> Addon:
    step = bench.steps[f"addon/{name}"]
    assert isinstance(step, Addon)
    return replace(step, **more)


def live(bench: Bench, name: str = "vpc-cni") -> Any:
    return bench.plain("eks").describe_addon(clusterName=bench.us.stack, addonName=name)["addon"]


def versions(bench: Bench, name: str) -> list[str]:
    found = bench.plain("eks").describe_addon_versions(
        addonName=name, kubernetesVersion=addon_of(bench).kubernetes_version
    )["addons"]
    return [version["addonVersion"] for version in found[0]["addonVersions"]]


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make("addon/vpc-cni")
    return bench


def test_the_cni_comes_with_its_role_and_network_policies_and_settles(bench: Bench) -> None:
    assert bench.make("addon/vpc-cni").status is Status.CREATED
    assert bench.calls() == ["CreateAddon"]
    addon = live(bench)
    assert json.loads(addon["configurationValues"]) == {"enableNetworkPolicy": "true"}
    association = bench.plain("eks").describe_pod_identity_association(
        clusterName=bench.us.stack, associationId=addon["podIdentityAssociations"][0].rsplit("/", 1)[-1]
    )["association"]
    assert association["serviceAccount"] == "aws-node"
    assert association["roleArn"] == bench.outputs.get("role/vpc-cni", "arn")
    assert bench.tape.mutating[0].params["resolveConflicts"] == "OVERWRITE"
    bench.settles(addon_of(bench))
    assert len(bench.tape.reads) == 2


def test_an_unset_version_is_eks_default_at_creation_and_then_kept(made: Bench) -> None:
    eks = made.plain("eks")
    assert live(made)["addonVersion"] in versions(made, "vpc-cni")
    other = next(version for version in versions(made, "vpc-cni") if version != live(made)["addonVersion"])
    eks.update_addon(clusterName=made.us.stack, addonName="vpc-cni", addonVersion=other)
    made.clock.sleep(60)
    made.settles(addon_of(made))
    assert live(made)["addonVersion"] == other


def test_a_pinned_version_is_brought_about(made: Bench) -> None:
    other = next(version for version in versions(made, "vpc-cni") if version != live(made)["addonVersion"])
    step = addon_of(made, version=other)
    assert made.again(step).change.names == ("version",)
    assert live(made)["addonVersion"] == other
    made.settles(step)


def test_our_keys_are_set_back_and_those_of_others_stay(made: Bench) -> None:
    values = json.dumps({"enableNetworkPolicy": "false", "env": {"WARM_IP_TARGET": "5"}})
    made.plain("eks").update_addon(clusterName=made.us.stack, addonName="vpc-cni", configurationValues=values)
    made.clock.sleep(60)
    assert made.again(addon_of(made)).change.names == ("configuration",)
    kept = json.loads(live(made)["configurationValues"])
    assert kept == {"enableNetworkPolicy": "true", "env": {"WARM_IP_TARGET": "5"}}
    made.settles(addon_of(made))


def test_a_role_that_others_took_away_comes_back(made: Bench) -> None:
    made.plain("eks").update_addon(clusterName=made.us.stack, addonName="vpc-cni", podIdentityAssociations=[])
    made.clock.sleep(60)
    assert made.again(addon_of(made)).change.names == ("roles",)
    assert len(live(made)["podIdentityAssociations"]) == 1
    made.settles(addon_of(made))


def test_it_waits_until_iam_tells_eks_of_the_role(bench: Bench) -> None:
    bench.waits_for_iam(addon_of(bench), "CreateAddon", "Role x does not exist")


def test_an_addon_without_a_version_for_the_cluster_says_so(bench: Bench) -> None:
    bench.make("cluster")
    step = addon_of(bench, "coredns", kubernetes_version="1.01")
    with pytest.raises(errors.ProvisioningError, match=r"no version of the add-on 'coredns' for Kubernetes 1\.01"):
        step.create(bench.aws(), step.desired(Outputs()), "t" * 64)


@pytest.mark.parametrize(
    ("status", "nodes_expected", "state"),
    [
        ("CREATING", True, PhaseState.MOVING),
        ("UPDATING", True, PhaseState.MOVING),
        ("DEGRADED", True, PhaseState.MOVING),
        ("DEGRADED", False, PhaseState.READY),
        ("CREATING", False, PhaseState.READY),
        ("UPDATING", False, PhaseState.READY),
        ("DELETING", True, PhaseState.LEAVING),
        ("CREATE_FAILED", True, PhaseState.FAILED),
        ("UPDATE_FAILED", True, PhaseState.READY),
        ("ACTIVE", True, PhaseState.READY),
    ],
)
def test_degraded_before_nodes_is_waiting_not_failure(status: str, nodes_expected: bool, state: PhaseState) -> None:
    step = Addon(name="addon/coredns", slug="demo/coredns", nodes_expected=nodes_expected)
    health = (("InsufficientNumberOfReplicas", "0 of 2 replicas"),)
    phase = step.phase(AddonFacts("", "{}", frozenset(), status=status, health=health))
    assert phase.state is state
    assert ("waiting for nodes" in phase.message) is (status == "DEGRADED" and nodes_expected)


def test_an_addon_for_a_stack_without_nodes_is_done_when_eks_has_taken_it(bench: Bench) -> None:
    step = addon_of(bench, "coredns", nodes_expected=False)
    bench.make_needs(step)
    began = bench.clock.now()
    assert bench.make(step).status is Status.CREATED
    assert bench.clock.now() - began < 60
    assert live(bench, "coredns")["status"] == "CREATING"
    bench.settles(step)
    bench.clock.sleep(1500)
    assert live(bench, "coredns")["status"] == "DEGRADED"
    bench.settles(step)


@pytest.mark.parametrize("text", ['{"env":{"A":"1"}}', 'env:\n  A: "1"\n'])
def test_configuration_is_understood_as_json_and_as_yaml(text: str) -> None:
    assert _parsed(text) == {"env": {"A": "1"}}


def test_a_strangers_addon_is_refused(bench: Bench) -> None:
    bench.make("cluster")
    bench.plain("eks").create_addon(clusterName=bench.us.stack, addonName="kube-proxy")
    bench.clock.sleep(60)
    bench.is_refused(addon_of(bench, "kube-proxy"))
    assert bench.resources(addon_of(bench)) == []


def test_it_goes(made: Bench) -> None:
    made.goes(addon_of(made))
