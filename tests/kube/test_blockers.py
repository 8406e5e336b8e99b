"""What keeps pods from running, nodes from being ready and drains from ending, in one line each."""

from __future__ import annotations

from typing import Any

import pytest
from support.memory_kube import MemoryKube

from eksprov.core.convergence.pace import Clock
from eksprov.kube.blockers import blocked, closed_budgets, unready_nodes
from eksprov.operations.blockers import ASKS_AFTER_S, Blockers, pod_stem
from eksprov.steps.addons.addon import Addon
from eksprov.steps.node_groups.node_group import NodeGroup

TAINT = "0/2 nodes are available: 2 node(s) had untolerated taint(s)"
PULL = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x"'}


def pod(name: str = "coredns-1", **status: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"}, "status": status}


def homeless(name: str = "coredns-1", why: str = TAINT) -> dict[str, Any]:
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    return pod(name, conditions=[said])


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_pods_say_why_they_do_not_run_each_reason_once() -> None:
    assert blocked([homeless(), homeless("coredns-2")]) == f"2 pods: {TAINT}"
    assert blocked([pod(containerStatuses=[{"state": {"waiting": PULL}}])]) == (
        '1 pod: ImagePullBackOff: Back-off pulling image "x"'
    )
    assert blocked([pod(initContainerStatuses=[{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}])]) == (
        "1 pod: CrashLoopBackOff"
    )
    starting = pod(containerStatuses=[{"state": {"waiting": {"reason": "ContainerCreating"}}}])
    assert blocked([starting, pod(phase="Running")]) == ""


def test_budgets_that_let_nobody_go_and_nodes_that_are_not_ready_are_named() -> None:
    kube, group = MemoryKube(), {"eks.amazonaws.com/nodegroup": "g"}
    for name, allowed in (("shut", 0), ("open", 1)):
        budget = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "namespace": "default"},
        }
        kube.apply({**budget, "status": {"expectedPods": 1, "disruptionsAllowed": allowed}})
    assert closed_budgets(kube) == ("default/shut",)
    for name, status in (("a", "False"), ("b", "True")):
        condition = {"type": "Ready", "status": status, "message": "cni plugin not initialized"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": group}}
        kube.apply({**node, "status": {"conditions": [condition]}})
    assert unready_nodes(kube, "g") == "1 node: cni plugin not initialized"
    assert unready_nodes(kube, "other") == ""


@pytest.mark.parametrize(
    ("addon", "stem"),
    [("coredns", "coredns"), ("vpc-cni", "aws-node"), ("aws-ebs-csi-driver", "ebs-csi"), ("kube-proxy", "kube-proxy")],
)
def test_the_pods_of_an_addon_are_found_by_their_names(addon: str, stem: str) -> None:
    assert pod_stem(addon) == stem


def test_a_wait_is_explained_once_it_has_lasted_and_never_by_others_trouble() -> None:
    kube, time = MemoryKube(), Time()
    kube.apply(homeless())
    clock: Clock = time
    blockers = Blockers(clock, lambda: kube)
    coredns, other = (Addon(name=f"addon/{name}", slug=f"demo/{name}") for name in ("coredns", "metrics-server"))
    assert blockers.said(coredns, "creating") == blockers.said(other, "creating") == "creating"
    assert kube.calls[-1][0] == "apply"  # nobody was asked
    time.sleep(ASKS_AFTER_S)
    assert blockers.said(coredns, "creating") == f"creating; 1 pod: {TAINT}"
    assert blockers.said(other, "creating") == "creating"
    assert blockers.now(NodeGroup(name="node-group/g", slug="demo/g")) == ""
    assert Blockers(clock, lambda: None).now(coredns) == ""
