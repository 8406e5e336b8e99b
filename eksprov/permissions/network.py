"""EC2's rights. Ids are AWS's choice, so what is made must be tagged as the stack's, and what is touched must be so.

Each statement names the types of resource that its action looks at; which these are, and which of their tags IAM is
told, is in
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html; tagging at creation is
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html. The Describe actions know no
resources. Where the config brings its own VPC, that one is named instead of being asked for a tag it does not have.
"""

from __future__ import annotations

from typing import Any

from eksprov.permissions.need import ANYTHING, Condition, Need, Place, Rights, on
from eksprov.steps.cluster_network import BY_CNI
from eksprov.steps.launch_template_data import TAGGED

LAUNCHED_WITH = ("instance", "network-interface", "security-group", "subnet", "volume")


# What a kind makes, and by which call. A launch template says the tags of what is launched from it, too.
MADE = {
    "vpc": ("vpc", "CreateVpc"),
    "subnet": ("subnet", "CreateSubnet"),
    "internet-gateway": ("internet-gateway", "CreateInternetGateway"),
    "egress-only-internet-gateway": ("egress-only-internet-gateway", "CreateEgressOnlyInternetGateway"),
    "elastic-ip": ("elastic-ip", "AllocateAddress"),
    "nat-gateway": ("natgateway", "CreateNatGateway"),
    "route-table": ("route-table", "CreateRouteTable"),
    "security-group": ("security-group", "CreateSecurityGroup"),
    "vpc-endpoint": ("vpc-endpoint", "CreateVpcEndpoint"),
    "launch-template": ("launch-template", "CreateLaunchTemplate"),
    "placement-group": ("placement-group", "CreatePlacementGroup"),
}


def tagging(place: Place) -> tuple[Need, ...]:
    """Tags as part of the create calls that this config makes, and only with the stack's name among them."""
    made = [MADE[kind] for kind in MADE if kind in place.kinds]
    launched = TAGGED if "launch-template" in place.kinds else ()
    actions = (*(action for _, action in made), *(("RunInstances",) if launched else ()))
    created = ("StringEquals", "ec2:CreateAction", actions)
    things = place.arn("ec2", *(f"{thing}/*" for thing in (*(thing for thing, _ in made), *launched)))
    return on(things, "ec2:CreateTags", condition=(*place.requested, created))


def _made(place: Place, kind: str, *parents: str) -> tuple[Need, ...]:
    """Making a thing with our tags, out of or inside parents that are ours."""
    thing, call = MADE[kind]
    needs = on(place.arn("ec2", f"{thing}/*"), f"ec2:{call}", condition=place.requested)
    return (*needs, *_ours(place, parents, f"ec2:{call}"), *tagging(place))


def of_cni(place: Place) -> Condition:
    """The network interface bears the mark of this cluster's CNI; it has no tags of ours."""
    return (("StringEquals", f"aws:ResourceTag/{BY_CNI}", (place.stack,)),)


def _ours(place: Place, things: tuple[str, ...], *actions: str) -> tuple[Need, ...]:
    """Actions on things that carry our tag, or that the config brought."""
    found: list[Need] = []
    for thing in things:
        brought = place.slugs(f"existing-{thing}")
        if brought:
            found += on(place.arn("ec2", *(f"{thing}/{name}" for name in brought)), *actions)
        else:
            found += on(place.arn("ec2", f"{thing}/*"), *actions, condition=place.owned)
    return tuple(found)


def _reads(*actions: str) -> tuple[Need, ...]:
    return on(ANYTHING, *(f"ec2:{action}" for action in actions))


def _vpc(place: Place) -> Rights:
    ipv6 = any(getattr(step, "ipv6", False) for step in place.kinds.get("vpc", ()))
    associate = ("ec2:AssociateVpcCidrBlock",) if ipv6 else ()
    change = _ours(place, ("vpc",), "ec2:ModifyVpcAttribute", *associate)
    return Rights(
        read=(*_reads("DescribeVpcs"), *_ours(place, ("vpc",), "ec2:DescribeVpcAttribute")),
        make=(*_made(place, "vpc"), *change),
        change=change,
        delete=(
            *_ours(place, ("vpc",), "ec2:DeleteVpc"),
            *_reads("DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSubnets"),  # to name what holds it
        ),
        survey=_reads("DescribeVpcs"),
    )


def _subnet(place: Place) -> Rights:
    tags = on(place.arn("ec2", "subnet/*"), "ec2:CreateTags", "ec2:DeleteTags", condition=place.owned)
    ipv6 = any(getattr(step, "ipv6_zone", None) is not None for step in place.kinds.get("subnet", ()))
    assign = _ours(place, ("subnet",), "ec2:ModifySubnetAttribute") if ipv6 else ()
    associate = _ours(place, ("subnet",), "ec2:AssociateSubnetCidrBlock") if ipv6 else ()
    interfaces = on(place.arn("ec2", "network-interface/*"), "ec2:DeleteNetworkInterface", condition=of_cni(place))
    return Rights(
        read=_reads("DescribeSubnets"),
        make=(*_made(place, "subnet", "vpc"), *assign),
        change=(*tags, *assign, *associate),
        delete=(
            *_ours(place, ("subnet",), "ec2:DeleteSubnet"),
            *_reads("DescribeNetworkInterfaces"),
            *interfaces,
        ),
        survey=_reads("DescribeSubnets"),
    )


def _internet_gateway(place: Place) -> Rights:
    both = ("internet-gateway", "vpc")
    attach = _ours(place, both, "ec2:AttachInternetGateway")
    return Rights(
        read=_reads("DescribeInternetGateways"),
        make=(*_made(place, "internet-gateway"), *attach),
        change=(*attach, *_ours(place, both, "ec2:DetachInternetGateway")),
        delete=(
            *_ours(place, both, "ec2:DetachInternetGateway"),
            *_ours(place, ("internet-gateway",), "ec2:DeleteInternetGateway"),
        ),
        survey=_reads("DescribeInternetGateways"),
    )


def _egress_only_internet_gateway(place: Place) -> Rights:
    kind = "egress-only-internet-gateway"
    return Rights(
        read=_reads("DescribeEgressOnlyInternetGateways"),
        make=_made(place, kind, "vpc"),
        delete=_ours(place, (kind,), "ec2:DeleteEgressOnlyInternetGateway"),
        survey=_reads("DescribeEgressOnlyInternetGateways"),
    )


def _elastic_ip(place: Place) -> Rights:
    return Rights(
        read=_reads("DescribeAddresses"),
        make=_made(place, "elastic-ip"),
        delete=_ours(place, ("elastic-ip",), "ec2:ReleaseAddress"),
        survey=_reads("DescribeAddresses"),
    )


def _nat_gateway(place: Place) -> Rights:
    return Rights(
        read=_reads("DescribeNatGateways"),
        make=_made(place, "nat-gateway", "elastic-ip", "subnet"),
        delete=_ours(place, ("natgateway",), "ec2:DeleteNatGateway"),
        survey=_reads("DescribeNatGateways"),
    )


def _route_table(place: Place) -> Rights:
    own, both = ("route-table",), ("route-table", "subnet")
    join = _ours(place, both, "ec2:AssociateRouteTable")
    route = _ours(place, own, "ec2:CreateRoute")
    return Rights(
        read=_reads("DescribeRouteTables"),
        make=(*_made(place, "route-table", "vpc"), *route, *join),
        change=(
            *route,
            *join,
            *_ours(place, own, "ec2:ReplaceRoute", "ec2:DeleteRoute"),
            *_ours(place, both, "ec2:ReplaceRouteTableAssociation", "ec2:DisassociateRouteTable"),
        ),
        delete=(
            *_ours(place, both, "ec2:DisassociateRouteTable"),
            *_ours(place, own, "ec2:DeleteRouteTable"),
        ),
        survey=_reads("DescribeRouteTables"),
    )


def _security_group(place: Place) -> Rights:
    rules = _ours(place, ("security-group",), "ec2:AuthorizeSecurityGroupIngress")
    return Rights(
        read=_reads("DescribeSecurityGroups"),
        make=(*_made(place, "security-group", "vpc"), *rules),
        change=(*rules, *_ours(place, ("security-group",), "ec2:RevokeSecurityGroupIngress")),
        delete=_ours(place, ("security-group",), "ec2:DeleteSecurityGroup"),
        survey=_reads("DescribeSecurityGroups"),
    )


def _vpc_endpoint(place: Place) -> Rights:
    """An interface endpoint's private DNS is a hosted zone of the service's, which this action asks for too."""
    zone = on(ANYTHING, "route53:AssociateVPCWithHostedZone")
    parents = ("vpc", "subnet", "security-group", "route-table")
    ipv6 = any(getattr(step, "ipv6", False) for step in place.kinds.get("vpc-endpoint", ()))
    families = _reads("DescribeVpcEndpointServices") if ipv6 else ()
    return Rights(
        read=_reads("DescribeVpcEndpoints"),
        make=(*_made(place, "vpc-endpoint", *parents), *zone, *families),
        change=_ours(place, ("vpc-endpoint", *parents[1:]), "ec2:ModifyVpcEndpoint"),
        delete=_ours(place, ("vpc-endpoint",), "ec2:DeleteVpcEndpoints"),
        survey=_reads("DescribeVpcEndpoints"),
    )


def _launch_template(place: Place) -> Rights:
    """Whoever hands a template to EKS must be allowed what is in it: its instances are launched in the caller's name
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html)."""
    return Rights(
        read=_reads("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
        make=(*_made(place, "launch-template"), *_launching(place)),
        change=(*_ours(place, ("launch-template",), "ec2:CreateLaunchTemplateVersion"), *_launching(place)),
        delete=_ours(place, ("launch-template",), "ec2:DeleteLaunchTemplate"),
        survey=_reads("DescribeLaunchTemplates"),
    )


def _launching(place: Place) -> tuple[Need, ...]:
    """Everything that a launch touches; the images and snapshots are Amazon's, and EKS's group is not tagged as ours.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances
    """
    special = {"placement-group": "placement_group", "capacity-reservation": "reservation"}
    templates: tuple[Any, ...] = place.kinds.get("launch-template", ())
    more = (thing for thing, key in special.items() if any(getattr(step, key, "") for step in templates))
    things = place.arn("ec2", *(f"{thing}/*" for thing in (*LAUNCHED_WITH, *more)))
    given = tuple(f"arn:{place.partition}:ec2:{place.region}::{thing}/*" for thing in ("image", "snapshot"))
    own = _ours(place, ("launch-template",), "ec2:RunInstances")
    return (*on((*things, *given), "ec2:RunInstances"), *own)


def _placement_group(place: Place) -> Rights:
    return Rights(
        read=_reads("DescribePlacementGroups"),
        make=_made(place, "placement-group"),
        delete=_ours(place, ("placement-group",), "ec2:DeletePlacementGroup"),
        survey=_reads("DescribePlacementGroups"),
    )


def _existing_vpc(place: Place) -> Rights:
    attribute = _ours(place, ("vpc",), "ec2:DescribeVpcAttribute")
    return Rights(read=(*_reads("DescribeVpcs", "DescribeSubnets", "DescribeRouteTables"), *attribute))


def _existing_subnet(place: Place) -> Rights:
    return Rights(read=_reads("DescribeSubnets"))


RIGHTS = {
    "vpc": _vpc,
    "subnet": _subnet,
    "internet-gateway": _internet_gateway,
    "egress-only-internet-gateway": _egress_only_internet_gateway,
    "elastic-ip": _elastic_ip,
    "nat-gateway": _nat_gateway,
    "route-table": _route_table,
    "security-group": _security_group,
    "vpc-endpoint": _vpc_endpoint,
    "launch-template": _launch_template,
    "placement-group": _placement_group,
    "existing-vpc": _existing_vpc,
    "existing-subnet": _existing_subnet,
}
