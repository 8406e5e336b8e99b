"""Rules of the network section: ways out, existing VPCs, and what goes with what."""

from __future__ import annotations

from typing import Any

import pytest

from eksprov.config.check import check
from eksprov.config.schema import Addon, Cluster, Config, Network, NodeGroup
from eksprov.config.schema.network import NEEDED_ENDPOINTS, USUAL_ENDPOINTS
from eksprov.errors import Problem

CUSTOM = {"env": {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true"}}
VPC, PRIVATE, PUBLIC = "vpc-0123456789abcdef0", ("subnet-00000001", "subnet-00000002"), ("subnet-00000003",)


def found(network: dict[str, Any], **more: Any) -> list[Problem]:
    groups = (NodeGroup(name="cpu", instance_types=("m7i.large",)),)
    return check(Config(**{"name": "demo", "network": Network(**network), "node_groups": groups, **more}))


def paths(problems: list[Problem], level: str = "error") -> list[str]:
    return [problem.path for problem in problems if problem.level == level]


def test_nodes_without_any_way_out_are_refused_with_the_cure() -> None:
    (problem,) = found({"nat_gateways": "none"})
    assert problem.path == "network.nat_gateways"
    assert all(service in problem.message for service in NEEDED_ENDPOINTS)
    assert "private_endpoints: true" in problem.hint


@pytest.mark.parametrize(
    "network",
    [
        {"nat_gateways": "none", "private_endpoints": True},
        {"nat_gateways": "none", "endpoints": NEEDED_ENDPOINTS},
        {"nat_gateways": "single"},
        {"nat_gateways": "per_zone", "endpoints": ("kms",)},
    ],
)
def test_endpoints_or_a_nat_gateway_are_a_way_out(network: dict[str, Any]) -> None:
    assert found(network) == []


def test_a_missing_endpoint_is_named() -> None:
    (problem,) = found({"nat_gateways": "none", "endpoints": tuple(set(NEEDED_ENDPOINTS) - {"eks-auth"})})
    assert "eks-auth" in problem.message
    assert "ecr" not in problem.message


def test_without_nodes_nothing_needs_a_way_out() -> None:
    assert found({"nat_gateways": "none"}, node_groups=()) == []


def test_nodes_inside_need_the_private_endpoint() -> None:
    cluster = Cluster(endpoint_private_access=False)
    problems = found({"nat_gateways": "none", "private_endpoints": True}, cluster=cluster)
    assert "cluster.endpoint_private_access" in paths(problems)


def test_an_existing_vpc_needs_its_subnets_and_they_need_it() -> None:
    assert found({"vpc_id": VPC, "subnet_ids": PRIVATE, "public_subnet_ids": PUBLIC}) == []
    assert paths(found({"vpc_id": VPC})) == ["network.subnet_ids"]
    assert paths(found({"vpc_id": VPC, "subnet_ids": PRIVATE[:1]})) == ["network.subnet_ids"]
    assert paths(found({"subnet_ids": PRIVATE})) == ["network.subnet_ids"]
    assert paths(found({"public_subnet_ids": PUBLIC})) == ["network.public_subnet_ids"]
    twice = found({"vpc_id": VPC, "subnet_ids": PRIVATE, "public_subnet_ids": PRIVATE})
    assert paths(twice) == ["network.public_subnet_ids[0]", "network.public_subnet_ids[1]"]
    assert paths(found({"vpc_id": VPC, "subnet_ids": (*PRIVATE, PRIVATE[0])})) == ["network.subnet_ids[2]"]


def test_what_would_be_made_has_no_effect_with_an_existing_vpc() -> None:
    network = {"vpc_id": VPC, "subnet_ids": PRIVATE, "nat_gateways": "none", "private_endpoints": True}
    problems = found(network)
    assert paths(problems) == []
    assert paths(problems, "warning") == ["network.nat_gateways", "network.private_endpoints"]


def test_the_services_range_of_an_existing_vpc_is_checked_for_itself() -> None:
    network = {"vpc_id": VPC, "subnet_ids": PRIVATE}
    assert paths(found(network, cluster=Cluster(service_ipv4_cidr="8.8.8.0/24"))) == ["cluster.service_ipv4_cidr"]
    assert found(network, cluster=Cluster(service_ipv4_cidr="10.0.0.0/16")) == []  # the VPC's range is not known here


def test_every_service_gets_one_endpoint() -> None:
    network = Network(private_endpoints=True, endpoints=("kms", "s3"))
    assert network.endpoint_services == (*USUAL_ENDPOINTS, "kms")
    assert set(NEEDED_ENDPOINTS) < set(USUAL_ENDPOINTS)
    assert Network().endpoint_services == ()


def test_an_ipv6_stack_is_fine_by_itself_and_opens_its_endpoint_to_either_family() -> None:
    cluster = Cluster(public_access_cidrs=("81.2.69.0/24", "2001:db8::/32"))
    assert found({"ip_family": "ipv6"}, cluster=cluster) == []
    assert found({"ip_family": "ipv6", "vpc_cidr": "172.20.0.0/16"}) == []  # EKS chooses other Services' addresses


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"region": "cn-north-1"}, "network.ip_family"),
        ({"cluster": Cluster(service_ipv4_cidr="172.20.0.0/16")}, "cluster.service_ipv4_cidr"),
        ({"cluster": Cluster(public_access_cidrs=("2001:db8::/129",))}, "cluster.public_access_cidrs[0]"),
        ({"cluster": Cluster(public_access_cidrs=("2001:db8:0::/32",))}, "cluster.public_access_cidrs[0]"),
        ({"addons": (Addon(name="aws-fsx-csi-driver"),)}, "addons[0].name"),
        ({"addons": (Addon(name="vpc-cni", configuration=CUSTOM),)}, "addons[0].configuration"),
    ],
)
def test_what_does_not_go_with_ipv6_is_refused(more: dict[str, Any], path: str) -> None:
    assert paths(found({"ip_family": "ipv6"}, **more)) == [path]


def test_an_ipv4_endpoint_is_not_opened_to_ipv6() -> None:
    cluster = Cluster(public_access_cidrs=("0.0.0.0/0", "::/0"))
    assert paths(found({}, cluster=cluster)) == ["cluster.public_access_cidrs[1]"]


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/8", "192.168.1.0/24", "100.64.0.0/16", "127.0.0.1/32", "203.0.113.0/24", "fd00::/8"]
)
def test_callers_of_the_public_endpoint_have_addresses_of_the_internet(cidr: str) -> None:
    """EKS answers "not allowed in publicAccessCidrs", a minute into the run."""
    network = {"ip_family": "ipv6"} if ":" in cidr else {}
    (problem,) = found(network, cluster=Cluster(public_access_cidrs=("81.2.69.0/24", cidr)))
    assert problem.path == "cluster.public_access_cidrs[1]"
    assert "endpoint_private_access" in problem.hint


def test_nodes_that_come_to_the_public_endpoint_must_be_let_in() -> None:
    """With NAT gateways of ours nobody can know their addresses beforehand; with others' they may be in the list."""
    narrow = Cluster(public_access_cidrs=("81.2.69.0/24",), endpoint_private_access=False)
    (problem,) = found({}, cluster=narrow)
    assert (problem.path, problem.level) == ("cluster.endpoint_private_access", "error")
    (warned,) = found({"vpc_id": VPC, "subnet_ids": PRIVATE}, cluster=narrow)
    assert (warned.path, warned.level) == ("cluster.endpoint_private_access", "warning")
    assert found({}, cluster=narrow.model_copy(update={"endpoint_private_access": True})) == []
    assert found({}, cluster=narrow.model_copy(update={"public_access_cidrs": ("0.0.0.0/0",)})) == []
    assert found({}, cluster=narrow, node_groups=()) == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-iso-east-1", "aws-iso")],
)
def test_arns_are_of_the_regions_partition(region: str, partition: str) -> None:
    role = f"arn:{partition}:iam::111122223333:role/x"
    addon = Addon(name="aws-ebs-csi-driver", service_account_role_arn=role)
    assert found({}, region=region, addons=(addon,)) == []
    strange = addon.model_copy(update={"service_account_role_arn": role.replace(partition, "aws-other", 1)})
    said = found({}, region=region, addons=(strange,))
    assert paths(said) == ([] if region.startswith("us-iso") else ["addons[0].service_account_role_arn"])
