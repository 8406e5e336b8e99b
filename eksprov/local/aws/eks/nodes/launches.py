"""How the Auto Scaling group of a node group gets its instances, and what happens when EC2 has none.

Types are tried in the order of the node group, zones by balance. A launch that is refused everywhere is a failed
scaling activity in each zone, tried again after a while; EKS's health issue follows much later, as it does on AWS.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState

from eksprov.local.aws.ec2.capacity import Shortage
from eksprov.local.aws.ec2.reservations import TOO_FULL
from eksprov.local.aws.eks.model import Cluster, Nodegroup, Shape
from eksprov.local.aws.eks.nodes import disk_keys, supply, templates
from eksprov.local.aws.eks.region import EksRegion

TRIES_AGAIN_S = 30.0  # assumed
# Assumed: people report health that stays empty for all of the 20 and more minutes in which a group is tried
# (https://github.com/aws/containers-roadmap/issues/2204).
EKS_NOTICES_S = 300.0
LAUNCHES_FAIL = "AsgInstanceLaunchFailures"

IMAGE_GIB = 2  # assumed: no source says how large Bottlerocket's root is


def launch(
    region: EksRegion, cluster: Cluster, nodegroup: Nodegroup, group: FakeAutoScalingGroup, missing: int
) -> None:
    """Start `missing` instances, as far as EC2 has any."""
    world = region.account
    for _ in range(missing if disk_keys.opens(region, nodegroup) else 0):
        place = _place(region, nodegroup, group)
        if place is None:
            if world.capacity.tries_again(group.name, world.now(), TRIES_AGAIN_S / world.speed):
                _fail(region, nodegroup, group)
            break
        world.capacity.launched(group.name, world.now(), _start(region, cluster, nodegroup, group, *place))
    _notice(region, nodegroup, group)


def failure(region: EksRegion, nodegroup: Nodegroup) -> Shape:
    """The health issue of a group that has not come up in time."""
    failed = region.account.capacity.last_failure(nodegroup.group_name)
    if failed is not None:
        return _issue(LAUNCHES_FAIL, failed[1], [nodegroup.group_name])
    return _issue("NodeCreationFailure", "Instances failed to join the kubernetes cluster", sorted(nodegroup.nodes))


def _notice(region: EksRegion, nodegroup: Nodegroup, group: FakeAutoScalingGroup) -> None:
    failed = region.account.capacity.last_failure(group.name)
    late = failed is not None and region.account.now() >= failed[0].timestamp() + EKS_NOTICES_S / region.account.speed
    had = nodegroup.shape["health"]["issues"]
    if nodegroup.status == "CREATING" and failed is not None and late:
        nodegroup.shape["health"] = {"issues": [_issue(LAUNCHES_FAIL, failed[1], [group.name])]}
    elif failed is None and any(issue["code"] == LAUNCHES_FAIL for issue in had):
        nodegroup.shape["health"] = {"issues": []}


def _issue(code: str, message: str, ids: list[str]) -> Shape:
    return {"code": code, "message": message, "resourceIds": ids}


def _zones(region: EksRegion, subnet_id: str) -> tuple[str, str]:
    subnet = region.ec2.get_subnet(subnet_id)
    return subnet.availability_zone, subnet.availability_zone_id


def _place(region: EksRegion, nodegroup: Nodegroup, group: FakeAutoScalingGroup) -> tuple[str, str] | None:
    """The instance type and the subnet of the next instance; None where EC2 has nothing that fits."""
    shape = nodegroup.shape
    taken = Counter(each.instance.subnet_id for each in group.instance_states)
    for name in shape["instanceTypes"]:
        for subnet in sorted(shape["subnets"], key=lambda each: taken[each]):
            if _short(region, nodegroup, name, _zones(region, subnet)) is None:
                return name, subnet
    return None


def _short(region: EksRegion, nodegroup: Nodegroup, kind: str, zones: tuple[str, str]) -> Shortage | None:
    """Why EC2 has no such instance: none is left, or none in the reservation that the template names."""
    reservation = _reservation(nodegroup)
    if reservation and not region.account.reservations.fits(region.name, reservation, kind, zones[0]):
        return Shortage(code=TOO_FULL)
    return supply.refusal(region, kind, zones, nodegroup.shape["capacityType"])


def _reservation(nodegroup: Nodegroup) -> str:
    wanted = nodegroup.template_data.get("CapacityReservationSpecification") or {}
    return str((wanted.get("CapacityReservationTarget") or {}).get("CapacityReservationId") or "")


def _fail(region: EksRegion, nodegroup: Nodegroup, group: FakeAutoScalingGroup) -> None:
    shape, capacity, name = nodegroup.shape, region.account.capacity, nodegroup.shape["instanceTypes"][0]
    for zones in sorted({_zones(region, subnet) for subnet in shape["subnets"]}):
        short = _short(region, nodegroup, name, zones)
        if short is not None:
            message = short.message(name, zones[0], shape["capacityType"])
            capacity.failed(group.name, region.account.now(), message)


def _disks(nodegroup: Nodegroup) -> dict[str, Any]:
    """The template's volumes; one without a size is as large as the image's."""
    disks = nodegroup.template_data.get("BlockDeviceMappings")
    if not disks:
        return {}
    sized = [{**disk, "Ebs": {"VolumeSize": IMAGE_GIB, **disk.get("Ebs", {})}} for disk in disks]
    return {"block_device_mappings": sized}


def _handed_on(group: FakeAutoScalingGroup) -> dict[str, str]:
    """The tags that the group gives to its instances, over those of the template
    (https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-tagging.html)."""
    own = ("eks:", "kubernetes.io/", "k8s.io/")  # EKS's, which `_start` writes
    return {key: value for key, value in group.get_propagated_tags().items() if not key.startswith(own)}


def _start(
    region: EksRegion, cluster: Cluster, nodegroup: Nodegroup, group: FakeAutoScalingGroup, kind: str, subnet: str
) -> str:
    tags = {
        "aws:autoscaling:groupName": group.name,
        "eks:cluster-name": cluster.name,
        "eks:nodegroup-name": nodegroup.name,
        f"kubernetes.io/cluster/{cluster.name}": "owned",
    }
    nic = {"DeviceIndex": 0, "DeleteOnTermination": True, "Groups": [cluster.security_group]}
    reservation = region.ec2.run_instances(
        nodegroup.image_id,
        1,
        None,
        [],
        instance_type=kind,
        is_instance_type_default=False,
        region_name=region.name,
        tags={
            "instance": {**templates.tags(nodegroup, "instance"), **_handed_on(group), **tags},
            "volume": templates.tags(nodegroup, "volume"),
        },
        metadata_options=nodegroup.template_data.get("MetadataOptions") or templates.EKS_METADATA,
        subnet_id=subnet,
        nics=[nic],
        launch_template={"LaunchTemplateId": nodegroup.template_id},
        lifecycle="spot" if nodegroup.shape["capacityType"] == "SPOT" else None,
        associate_public_ip=None,
        **_disks(nodegroup),
    )
    instance: Any = reservation.instances[0]
    instance.autoscaling_group = group
    instance._placement.group_name = (nodegroup.template_data.get("Placement") or {}).get("GroupName", "")
    instance.capacity_reservation = _reservation(nodegroup)
    group.instance_states.append(InstanceState(instance))
    return str(instance.id)
