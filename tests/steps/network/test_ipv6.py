"""An IPv6 stack: what is in the account, read with plain boto3, and what is refused before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network
from typing import Any

import pytest
from support.stage import Stage, Theatre, everything

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.operations.commands.plan import make_plan


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(everything("ipv6")) as stage:
        stage.emulator.endpoints.ipv4_only = {"ecr.api"}
        report = stage.provision()
        assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
        yield stage


def ours(made: Stage, operation: str, key: str) -> dict[str, Any]:
    """The stack's own resources of EC2, by the name of their step."""
    found = getattr(made.account.plain("ec2"), operation)()[key]
    tags = ({tag["Key"]: tag["Value"] for tag in one.get("Tags", [])} for one in found)
    return {t["eksprov:step"]: one for one, t in zip(found, tags, strict=True) if "eksprov:step" in t}


def test_every_subnet_has_a_part_of_the_vpcs_range_and_gives_addresses_of_it(made: Stage) -> None:
    (vpc,) = ours(made, "describe_vpcs", "Vpcs").values()
    (block,) = vpc["Ipv6CidrBlockAssociationSet"]
    whole, parts = IPv6Network(block["Ipv6CidrBlock"]), []
    for subnet in ours(made, "describe_subnets", "Subnets").values():
        assert subnet["AssignIpv6AddressOnCreation"] is True
        (part,) = subnet["Ipv6CidrBlockAssociationSet"]
        assert part["Ipv6CidrBlockState"] == {"State": "associated"}
        parts.append(IPv6Network(part["Ipv6CidrBlock"]))
    assert whole.prefixlen == 56
    assert all(part.prefixlen == 64 and part.subnet_of(whole) for part in parts)
    assert len(set(parts)) == len(parts) == 4


def test_ipv6_leaves_the_public_side_by_the_internet_gateway_and_the_private_one_without_being_reached(
    made: Stage,
) -> None:
    (internet,) = ours(made, "describe_internet_gateways", "InternetGateways").values()
    egress = ours(made, "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways")
    (vpc,) = ours(made, "describe_vpcs", "Vpcs").values()
    (gateway,) = egress.values()
    assert gateway["Attachments"] == [{"State": "attached", "VpcId": vpc["VpcId"]}]
    ways = {}
    for name, table in ours(made, "describe_route_tables", "RouteTables").items():
        (route,) = [route for route in table["Routes"] if route.get("DestinationIpv6CidrBlock") == "::/0"]
        ways[name] = route.get("GatewayId") or route.get("EgressOnlyInternetGatewayId")
    own = gateway["EgressOnlyInternetGatewayId"]
    assert ways == {
        "route-table/public": internet["InternetGatewayId"],
        "route-table/private-1": own,
        "route-table/private-2": own,
    }


def test_endpoints_have_both_families_where_their_service_does_and_their_group_lets_both_in(made: Stage) -> None:
    kinds = {name: one["IpAddressType"] for name, one in ours(made, "describe_vpc_endpoints", "VpcEndpoints").items()}
    assert kinds == {"vpc-endpoint/s3": "dualstack", "vpc-endpoint/ecr.api": "ipv4"}
    (vpc,) = ours(made, "describe_vpcs", "Vpcs").values()
    (group,) = ours(made, "describe_security_groups", "SecurityGroups").values()
    let_in = {
        (rule["FromPort"], source.get("CidrIp") or source.get("CidrIpv6"))
        for rule in group["IpPermissions"]
        for source in (*rule.get("IpRanges", []), *rule.get("Ipv6Ranges", []))
    }
    ranges = (vpc["CidrBlock"], vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
    assert let_in == {(443, cidr) for cidr in ranges}


def test_the_cluster_is_of_the_family_and_says_the_range_that_eks_chose(made: Stage) -> None:
    cluster = made.account.plain("eks").describe_cluster(name="ipv6")["cluster"]
    network = cluster["kubernetesNetworkConfig"]
    assert network["ipFamily"] == "ipv6"
    assert "serviceIpv4Cidr" not in network
    assert sorted(cluster["resourcesVpcConfig"]["publicAccessCidrs"]) == ["2001:db8::/32", "81.2.69.0/24"]
    recorded = made.opened().state.steps["cluster"].outputs
    assert (recorded["ip_family"], recorded["service_cidr"]) == ("ipv6", network["serviceIpv6Cidr"])
    assert IPv6Network(recorded["service_cidr"]).subnet_of(IPv6Network("fc00::/7"))


def test_the_cnis_role_may_assign_ipv6_addresses_and_no_others(made: Stage) -> None:
    iam, name = made.account.plain("iam"), made.opened().state.steps["role/vpc-cni"].outputs["name"]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    statements = iam.get_role_policy(RoleName=name, PolicyName="eksprov")["PolicyDocument"]["Statement"]
    actions = {
        action for s in statements for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    assert {action for action in actions if "Describe" not in action} == {"ec2:AssignIpv6Addresses", "ec2:CreateTags"}


@pytest.mark.parametrize("lost", [False, True])
def test_another_family_is_refused_by_name_before_anything_changes(made: Stage, lost: bool) -> None:
    kept, before = made.store.load(), made.world()
    other = made.config.model_copy(
        update={
            "network": made.config.network.model_copy(update={"ip_family": "ipv4"}),
            "cluster": Config(name="x").cluster,
        }
    )
    if lost:
        made.store.forget()
    made.tape.rewind()
    for act in (lambda: made.provision(other), lambda: make_plan(made.opened(other))):
        with pytest.raises(errors.UsageError, match=r"network\.ip_family is ipv4, but cluster 'ipv6' is ipv6"):
            act()
    assert made.tape.mutating == []
    assert made.world() == before
    made.store.save(kept)  # type: ignore[arg-type]  # there is one
