"""Laws of choosing nodes for pods: they fit, they are allowed, and no more of them than needed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from eksprov.local.contract import AutoMode, InstanceKind, Json, Offers
from eksprov.local.node.ondemand.choice import Choice, Pool, choices
from eksprov.local.node.ondemand.demand import Demand, demand, selects, tolerates
from eksprov.local.node.ondemand.pools import built_in

KINDS = (
    InstanceKind("g6.xlarge", "amd64", 4, 16384, 58, gpus=1, gpu_name="l4"),
    InstanceKind("c6g.large", "arm64", 2, 4096, 29),
    InstanceKind("m4.large", "amd64", 2, 8192, 20),
    InstanceKind("c5.large", "amd64", 2, 4096, 29),
    InstanceKind("m5.4xlarge", "amd64", 16, 65536, 234),
)
OFFERS = Offers(KINDS, {"us-west-2a": "usw2-az1", "us-west-2b": "usw2-az2"})
OWN = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "gpu", "uid": "2"},
    "spec": {
        "limits": {"nvidia.com/gpu": 2},
        "template": {
            "metadata": {"labels": {"team": "llm"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [{"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Gt", "values": ["0"]}],
                "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            },
        },
    },
}


def pools() -> list[Pool]:
    wish = AutoMode(("general-purpose", "system"), "nodes", ("subnet-1",), "sg-1")
    objects = [one for one in built_in(wish) if one["kind"] == "NodePool"] + [OWN]
    return [Pool.of({**one, "metadata": {"uid": "1", **one["metadata"]}}) for one in objects]


def pod(cpu: str = "500m", memory: str = "512Mi", gpus: int = 0, **spec: Any) -> Json:
    requests = {"cpu": cpu, "memory": memory}
    limits = {"nvidia.com/gpu": gpus} if gpus else {}
    containers = [{"name": "main", "resources": {"requests": requests, "limits": limits}}]
    return {"metadata": {"uid": f"{cpu}{memory}{gpus}{spec}"}, "spec": {"containers": containers, **spec}}


def chosen(*pods: Json, used: dict[str, Demand] | None = None) -> list[tuple[str, str, int]]:
    return [_short(one) for one in choices(pods, pools(), OFFERS, used or {})]


def _short(choice: Choice) -> tuple[str, str, int]:
    return choice.pool.name, choice.kinds[0].name, len(choice.pods)


def test_the_smallest_allowed_type_that_holds_the_pods_is_taken_and_pods_share_it() -> None:
    """m4 is too old for the built-in pools, c6g of the wrong architecture; what does not fit gets a node of its own."""
    assert chosen(pod(), pod()) == [("general-purpose", "c5.large", 2)]
    two, alone = ("general-purpose", "m5.4xlarge", 2), ("general-purpose", "m5.4xlarge", 1)
    assert chosen(pod("1"), pod("1", "1Gi"), pod("14")) == [two, alone]
    assert chosen(pod("64")) == []


def test_labels_taints_and_zones_decide_as_the_scheduler_does() -> None:
    toleration = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert chosen(pod(gpus=1)) == []
    assert chosen(pod(gpus=1, tolerations=toleration)) == [("gpu", "g6.xlarge", 1)]
    assert chosen(pod(nodeSelector={"team": "llm"}, tolerations=toleration)) == [("gpu", "g6.xlarge", 1)]
    critical = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
    arm = {"kubernetes.io/arch": "arm64"}
    assert chosen(pod(nodeSelector=arm)) == []
    assert chosen(pod(nodeSelector=arm, tolerations=critical)) == [("system", "c6g.large", 1)]
    (one,) = choices([pod(nodeSelector={"topology.kubernetes.io/zone": "us-west-2b"})], pools(), OFFERS, {})
    assert one.zones == ("us-west-2b",)
    (one,) = choices([pod(nodeSelector={"topology.k8s.aws/zone-id": "usw2-az1"})], pools(), OFFERS, {})
    assert one.zones == ("us-west-2a",)
    assert chosen(pod(nodeSelector={"topology.kubernetes.io/zone": "us-west-2d"})) == []


def test_a_pool_makes_no_more_than_its_limits() -> None:
    wanted = pod(gpus=1, tolerations=[{"operator": "Exists"}])
    assert chosen(wanted, used={"gpu": Demand({"nvidia.com/gpu": Decimal(1)})}) == [("gpu", "g6.xlarge", 1)]
    assert chosen(wanted, used={"gpu": Demand({"nvidia.com/gpu": Decimal(2)})}) == []


def test_a_pod_asks_for_what_its_containers_ask_together_or_its_largest_init_container() -> None:
    asked = pod("250m", "1Gi")
    asked["spec"]["containers"] *= 2
    asked["spec"]["initContainers"] = [{"resources": {"limits": {"cpu": "2"}, "requests": {"memory": "64Mi"}}}]
    assert (demand(asked)["cpu"], demand(asked)["memory"], demand(asked)["pods"]) == (
        Decimal(2),
        Decimal(2 * 2**30),
        Decimal(1),
    )


@pytest.mark.parametrize(
    ("operator", "values", "label", "fits"),
    [
        ("In", ["a"], "a", True),
        ("In", ["a"], None, False),
        ("NotIn", ["a"], None, True),
        ("NotIn", ["a"], "a", False),
        ("Exists", [], "x", True),
        ("DoesNotExist", [], "x", False),
        ("Gt", ["4"], "5", True),
        ("Gt", ["4"], "4", False),
        ("Gt", ["4"], "a", False),
        ("Lt", ["4"], "3", True),
        ("Lt", ["4"], None, False),
    ],
)
def test_every_operator_of_node_affinity(operator: str, values: list[str], label: str | None, fits: bool) -> None:
    term = {"matchExpressions": [{"key": "k", "operator": operator, "values": values}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    assert selects(pod(affinity=affinity), {} if label is None else {"k": label}) is fits


def test_a_preference_keeps_nobody_away_and_equal_needs_the_value() -> None:
    assert tolerates(pod(), [{"key": "a", "value": "b", "effect": "PreferNoSchedule"}])
    taint = [{"key": "a", "value": "b", "effect": "NoExecute"}]
    assert not tolerates(pod(tolerations=[{"key": "a", "value": "c"}]), taint)
    assert not tolerates(pod(tolerations=[{"key": "a", "value": "b", "effect": "NoSchedule"}]), taint)
    assert tolerates(pod(tolerations=[{"key": "a", "value": "b"}]), taint)
