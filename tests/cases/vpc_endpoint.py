"""VPC endpoints; one on its way out is still there."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Thing
from support.plain import pages

from eksprov.steps.network.vpc_endpoint import VpcEndpoint

IN_ITS_TESTS = "tests/steps/network/test_vpc_endpoint.py puts it back"


def read(client: Client) -> Iterable[Item]:
    for endpoint in pages(client("ec2"), "describe_vpc_endpoints", "VpcEndpoints"):
        named = {key: value for key, value in endpoint.items() if key not in ("DnsEntries", "CreationTimestamp")}
        yield {**named, "_id": endpoint["VpcEndpointId"]}


CASE = KindCase(
    kind=VpcEndpoint,
    read=read,
    drifts=dict.fromkeys(("group_ids", "private_dns", "subnet_ids", "route_table_ids"), IN_ITS_TESTS),
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateVpcEndpoint",),
        thing=Thing(resource="vpc-endpoint", made_by="CreateVpcEndpoint", told_by="vpce"),
        unseen={
            "ec2:DeleteVpcEndpoints": "in provision: a failed one is made again",
            "ec2:ModifyVpcEndpoint": "subnets, groups or routes that changed",
        },
        wide={"route53:AssociateVPCWithHostedZone": ("", "the zone is Amazon's")},
    ),
)
