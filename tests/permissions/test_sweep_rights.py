"""What a teardown under the generated policy may take away of what controllers left: this cluster's, by tag."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest

from eksprov.permissions import Place
from eksprov.permissions.document import documents
from eksprov.permissions.leftovers import leftovers

STACK = "ml"
ELB, EC2 = "arn:aws:elasticloadbalancing:us-west-2:1:", "arn:aws:ec2:us-west-2:1:"
BALANCING = (
    ("elasticloadbalancing:DeleteLoadBalancer", f"{ELB}loadbalancer/net/k8s-x/1"),
    ("elasticloadbalancing:DeleteTargetGroup", f"{ELB}targetgroup/k8s-x/1"),
)
GROUPS = (
    ("ec2:DeleteSecurityGroup", f"{EC2}security-group/sg-1"),
    ("ec2:RevokeSecurityGroupIngress", f"{EC2}security-group/sg-1"),
    ("ec2:RevokeSecurityGroupEgress", f"{EC2}security-group/sg-1"),
)
INTERFACES = (("ec2:DeleteNetworkInterface", f"{EC2}network-interface/eni-1"),)
VOLUMES = (("ec2:DeleteVolume", f"{EC2}volume/vol-1"), ("ec2:CreateTags", f"{EC2}volume/vol-1"))
NODES = (
    ("ec2:TerminateInstances", f"{EC2}instance/i-1"),
    ("ec2:DeleteLaunchTemplate", f"{EC2}launch-template/lt-1"),
)
MAKERS: dict[str, tuple[Any, Any]] = {
    "EKS and what is tagged as the cluster's": (
        lambda name: {f"kubernetes.io/cluster/{name}": "owned"},
        (*BALANCING, *GROUPS, *INTERFACES, *VOLUMES, *NODES),
    ),
    "EKS Auto Mode": (
        lambda name: {"eks:eks-cluster-name": name},
        (*BALANCING, *GROUPS, *INTERFACES, *VOLUMES, *NODES),
    ),
    "the load balancer controller": (lambda name: {"elbv2.k8s.aws/cluster": name}, (*BALANCING, *GROUPS)),
    "the CNI": (lambda name: {"cluster.k8s.amazonaws.com/name": name}, INTERFACES),
}


def allowed(action: str, arn: str, tags: dict[str, str]) -> bool:
    found = documents(leftovers(Place(STACK, "us-west-2", "1")))
    return any(_fits(one, action, arn, tags) for document in found for one in document["Statement"])


def _fits(statement: dict[str, Any], action: str, arn: str, tags: dict[str, str]) -> bool:
    actions, resources = ([v] if isinstance(v := statement[key], str) else v for key in ("Action", "Resource"))
    wanted = statement.get("Condition", {}).get("StringEquals", {})
    fits = all(tags.get(key.removeprefix("aws:ResourceTag/")) in _many(value) for key, value in wanted.items())
    return action in actions and any(fnmatch.fnmatchcase(arn, one) for one in resources) and fits


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


CASES = [(maker, action, arn) for maker, (_, asked) in MAKERS.items() for action, arn in asked]


@pytest.mark.parametrize(("maker", "action", "arn"), CASES)
def test_this_clusters_may_go_and_a_neighbours_may_not(maker: str, action: str, arn: str) -> None:
    tags, _ = MAKERS[maker]
    assert allowed(action, arn, tags(STACK))
    assert not allowed(action, arn, tags(f"{STACK}-prod"))
    assert not allowed(action, arn, {})
