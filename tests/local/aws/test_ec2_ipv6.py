"""IPv6 in the emulated EC2 and EKS: states, and what AWS refuses."""

from __future__ import annotations

import pytest
from support.aws_fakes import refused
from support.bench import Bench
from support.stage import Theatre, everything


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def test_a_range_takes_a_moment_and_a_subnets_part_must_be_of_it_and_nobody_elses(theatre: Theatre) -> None:
    with theatre.stage(speed=1.0) as stage:
        ec2 = stage.account.plain("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        (block,) = vpc["Ipv6CidrBlockAssociationSet"]
        assert block["Ipv6CidrBlockState"]["State"] == "associating"
        whole, here = block["Ipv6CidrBlock"], {"VpcId": vpc["VpcId"]}
        part = whole.replace("::/56", "::/64")
        asked = {**here, "CidrBlock": "10.0.0.0/24", "Ipv6CidrBlock": part}
        assert refused(ec2.create_subnet, **asked) == "InvalidSubnet.Range"  # not there yet
        stage.clock.sleep(10)
        (found,) = ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"]
        assert found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"]["State"] == "associated"
        subnet = ec2.create_subnet(**asked)["Subnet"]["SubnetId"]
        other = {**here, "CidrBlock": "10.0.1.0/24"}
        assert refused(ec2.create_subnet, **other, Ipv6CidrBlock=part) == "InvalidSubnet.Conflict"
        assert refused(ec2.create_subnet, **other, Ipv6CidrBlock="2001:db8::/64") == "InvalidSubnet.Range"
        assert refused(ec2.create_subnet, **other, Ipv6CidrBlock=part.replace("/64", "/66")) == "InvalidSubnet.Range"
        plain = ec2.create_subnet(**other)["Subnet"]["SubnetId"]
        assign = {"AssignIpv6AddressOnCreation": {"Value": True}}
        assert refused(ec2.modify_subnet_attribute, SubnetId=plain, **assign) == "InvalidParameterValue"
        ec2.modify_subnet_attribute(SubnetId=subnet, **assign)


def test_a_vpc_does_not_go_before_its_egress_only_gateway_nor_is_a_route_made_twice(theatre: Theatre) -> None:
    with theatre.stage(everything("ipv6")) as stage:
        bench, ec2 = Bench(stage), stage.account.plain("ec2")
        gateway, vpc = bench.make("egress-only-internet-gateway").outputs["id"], bench.outputs.get("vpc", "id")
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        route = {"RouteTableId": table, "DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": gateway}
        ec2.create_route(**route)
        assert refused(ec2.create_route, **route) == "RouteAlreadyExists"
        ec2.delete_route_table(RouteTableId=table)
        assert refused(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
        key = {"EgressOnlyInternetGatewayId": gateway}
        ec2.delete_egress_only_internet_gateway(**key)
        assert refused(ec2.delete_egress_only_internet_gateway, **key) == "InvalidGatewayID.NotFound"
        ec2.delete_vpc(VpcId=vpc)


def test_eks_wants_ipv6_ranges_chooses_that_of_services_and_opens_no_ipv4_endpoint_to_ipv6(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        bench, eks = Bench(stage), stage.account.plain("eks")
        bench.make("cluster")
        ours = eks.describe_cluster(name=stage.config.name)["cluster"]
        ask = {
            "name": "six",
            "roleArn": ours["roleArn"],
            "resourcesVpcConfig": {"subnetIds": ours["resourcesVpcConfig"]["subnetIds"]},
        }
        six = {"ipFamily": "ipv6"}
        assert refused(eks.create_cluster, **ask, kubernetesNetworkConfig=six) == "InvalidParameterException"
        both = {**six, "serviceIpv4Cidr": "172.20.0.0/16"}
        assert refused(eks.create_cluster, **ask, kubernetesNetworkConfig=both) == "InvalidParameterException"
        open_to = {"publicAccessCidrs": ["::/0"]}
        update = eks.update_cluster_config
        assert refused(update, name=stage.config.name, resourcesVpcConfig=open_to) == "InvalidParameterException"
