"""What EKS makes of a launch template of the user's: finds it, and refuses what nodes cannot have.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html and, for capacity blocks,
https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html. The codes are AWS's; of most messages only
the sense is known.
"""

from __future__ import annotations

from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Nodegroup, Shape
from eksprov.local.aws.eks.region import EksRegion

EKS_METADATA = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}  # where the template says nothing


def find(region: EksRegion, given: Shape) -> tuple[Any, Shape]:
    """moto's version of a template, given by id or by name, and what it says; without a number the default one."""
    if bool(given.get("id")) == bool(given.get("name")):
        raise refusals.invalid("Give either the id or the name of the launch template")
    key = given.get("id") or region.ec2.launch_template_name_to_ids.get(given["name"], "")
    found = region.ec2.launch_templates.get(key)
    if found is None:
        raise refusals.invalid(f"The launch template {given.get('id') or given.get('name')} does not exist")
    number = given.get("version")
    if number and number not in {"$Default", "$Latest", *(str(each.number) for each in found.versions)}:
        raise refusals.invalid(f"The launch template {found.id} has no version {number}")
    version = found.get_version(number or "$Default")
    return version, dict(version.data)


def shape(region: EksRegion, given: Shape) -> Shape:
    """A template as DescribeNodegroup shows it."""
    version, _ = find(region, given)
    return {"id": version.template.id, "name": version.template.name, "version": str(version.number)}


def tags(nodegroup: Nodegroup, what: str) -> dict[str, str]:
    """The tags that a group's template gives to what is launched, "instance" or "volume"."""
    given = nodegroup.template_data.get("TagSpecifications") or ()
    return {tag["Key"]: tag["Value"] for one in given if one["ResourceType"] == what for tag in one.get("Tags") or ()}


def check(data: Shape, ask: Shape) -> None:
    """Refuse what EKS decides itself, and capacity that does not fit how it is bought."""
    if data.get("IamInstanceProfile"):
        raise refusals.invalid("The launch template must not have an instance profile")
    if any(one.get("SubnetId") for one in data.get("NetworkInterfaces") or ()):
        raise refusals.invalid("The launch template must not specify subnets; they belong to the node group")
    if (data.get("HibernationOptions") or {}).get("Configured"):
        raise refusals.invalid("The launch template must not have hibernation options")
    market = (data.get("InstanceMarketOptions") or {}).get("MarketType", "")
    if market == "spot":
        raise refusals.invalid("The launch template must not request Spot instances; use capacityType SPOT")
    block = ask.get("capacityType") == "CAPACITY_BLOCK"
    if block != (market == "capacity-block"):
        raise refusals.invalid("CAPACITY_BLOCK and a launch template with MarketType capacity-block belong together")
    target = (data.get("CapacityReservationSpecification") or {}).get("CapacityReservationTarget") or {}
    if block and not (target.get("CapacityReservationId") and data.get("InstanceType")):
        raise refusals.invalid("The template of a capacity block needs its reservation's id and an instance type")
