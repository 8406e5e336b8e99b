"""Security groups, EKS's and a VPC's own among them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from support.kind_case import Iam, Item, KindCase, Thing
from support.memory import Memory
from support.plain import of_ec2

from eksprov.steps.network.security_group import SecurityGroup


def peek(memory: Memory) -> Iterable[Item]:
    for one in (one for groups in memory.of("ec2").groups.values() for one in groups.values()):
        yield {"id": one.id, "vpc": one.vpc_id, "name": re.sub(r"-\d+$", "", one.name)}


CASE = KindCase(
    kind=SecurityGroup,
    read=of_ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    peek=peek,
    drifts={"ingress": "tests/steps/network/test_vpc_endpoint.py puts it back"},
    untag="found by tags alone: without them it is not under our name",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateSecurityGroup",),
        thing=Thing(resource="security-group", made_by="CreateSecurityGroup", told_by="sg"),
    ),
    held=True,
    aws_makes_some=True,
)
