"""What stands behind a managed node group: an Auto Scaling group, its instances, and the nodes they become.

The Auto Scaling group is moto's own, so a change of its desired size through any API counts. `reconcile` compares
three lists (what the group wants, the instances that run, the nodes Kubernetes was told of) and mends what
differs: a terminated instance is replaced, its node removed, a new one registers after a while.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup

from eksprov.local.aws.eks import access
from eksprov.local.aws.eks.model import Cluster, FleetNode, Nodegroup
from eksprov.local.aws.eks.nodes import launches
from eksprov.local.aws.eks.nodes.kinds import kind_of
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.contract import NodeSpec

# https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html
NEURON_DRIVER = frozenset({"AL2023_x86_64_NEURON", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_x86_64_FIPS"})
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


def make(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> None:
    """The launch template and the Auto Scaling group, still without instances."""
    shape = nodegroup.shape
    # EKS works with a copy of the user's template (https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html).
    kind = {**nodegroup.template_data, "InstanceType": shape["instanceTypes"][0], "ImageId": nodegroup.image_id}
    template = region.ec2.create_launch_template(
        nodegroup.group_name, f"Template of node group {nodegroup.name}", kind, {}
    )
    nodegroup.template_id = template.id
    tags = {
        "eks:cluster-name": cluster.name,
        "eks:nodegroup-name": nodegroup.name,
        f"kubernetes.io/cluster/{cluster.name}": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{cluster.name}": "owned",
    }
    region.autoscaling.create_auto_scaling_group(
        name=nodegroup.group_name,
        availability_zones=[],
        desired_capacity=0,
        max_size=shape["scalingConfig"]["maxSize"],
        min_size=0,
        launch_config_name="",
        launch_template={"LaunchTemplateId": template.id, "Version": "1"},
        vpc_zone_identifier=",".join(shape["subnets"]),
        default_cooldown=None,
        health_check_period=None,
        health_check_type=None,
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()],  # type: ignore[dict-item]  # moto's own type is too narrow
    )
    resize(region, nodegroup)


def retemplate(region: EksRegion, nodegroup: Nodegroup) -> None:
    """Give EKS's copy of the template a new version, from which instances are launched from now on."""
    kind = {**nodegroup.template_data, "ImageId": nodegroup.image_id}
    kind["InstanceType"] = nodegroup.shape["instanceTypes"][0]
    copy = region.ec2.get_launch_template(nodegroup.template_id)
    copy.default_version_number = copy.create_version(kind, "").number


def resize(region: EksRegion, nodegroup: Nodegroup) -> None:
    """Give the Auto Scaling group the sizes of the node group; `reconcile` does the rest."""
    group = _group(region, nodegroup)
    scaling = nodegroup.shape["scalingConfig"]
    if group is not None:
        group.min_size, group.max_size = scaling["minSize"], scaling["maxSize"]
        group.desired_capacity = scaling["desiredSize"]


def reconcile(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> None:
    """Make instances what the group wants, and nodes what the instances are."""
    group = _group(region, nodegroup)
    if group is None:
        return
    group.instance_states = [each for each in group.instance_states if each.instance.state == "running"]
    wanted = group.desired_capacity or 0
    nodegroup.shape["scalingConfig"]["desiredSize"] = wanted
    most = _replace_outdated(region, cluster, nodegroup, group)
    fresh = [each for each in group.instance_states if not _is_outdated(nodegroup, each.instance.id)]
    launches.launch(region, cluster, nodegroup, group, min(most, wanted - len(fresh)))
    _terminate(region, group, [each.instance.id for each in fresh[wanted:]])
    _sync_nodes(region, cluster, nodegroup, group)


def is_ready(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> bool:
    """Whether as many nodes as wanted are Ready, all of the node group's version."""
    wanted = nodegroup.shape["scalingConfig"]["desiredSize"]
    nodes = list(nodegroup.nodes.values())
    version = _version(nodegroup)
    return len(nodes) == wanted and all(
        node.added and node.version == version and region.account.kubernetes.node_ready(cluster.arn, node.name)
        for node in nodes
    )


def drain(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> None:
    """Take all nodes away from Kubernetes; the instances stay."""
    names = tuple(node.name for node in nodegroup.nodes.values() if node.added)
    if names:
        region.account.kubernetes.remove_nodes(cluster.arn, names)
    nodegroup.nodes.clear()


def remove(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> None:
    """Nodes, instances, Auto Scaling group, launch template."""
    drain(region, cluster, nodegroup)
    group = _group(region, nodegroup)
    if group is not None:
        _terminate(region, group, [each.instance.id for each in group.instance_states])
        region.autoscaling.delete_auto_scaling_group(nodegroup.group_name)
    if nodegroup.template_id in region.ec2.launch_templates:
        region.ec2.delete_launch_template(None, nodegroup.template_id)  # type: ignore[arg-type]  # by id, without a name


def latency_of(region: EksRegion, nodegroup: Nodegroup) -> str:
    """The name of the latency of its creation: accelerated instances boot slower."""
    details = _type(region, nodegroup.shape["instanceTypes"][0])
    return "nodegroup-create-gpu" if details.get("GpuInfo") else "nodegroup-create"


def _group(region: EksRegion, nodegroup: Nodegroup) -> FakeAutoScalingGroup | None:
    return region.autoscaling.autoscaling_groups.get(nodegroup.group_name)


def _type(region: EksRegion, name: str) -> dict[str, Any]:
    return dict(region.ec2.describe_instance_types([name])[0])


def _version(nodegroup: Nodegroup) -> str:
    template = nodegroup.shape.get("launchTemplate") or {}
    return f"{nodegroup.shape['releaseVersion']} {template.get('version', '')}"


def _is_outdated(nodegroup: Nodegroup, instance_id: str) -> bool:
    node = nodegroup.nodes.get(instance_id)
    return node is not None and node.version != _version(nodegroup)


def _replace_outdated(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup, group: FakeAutoScalingGroup) -> int:
    """Go on with a version update, as many nodes at a time as the group allows; how many may be started now.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html: new nodes come first, and an old
    one goes when one is Ready in its place; MINIMAL ends the old ones first.
    """
    wanted, version = group.desired_capacity or 0, _version(nodegroup)
    old = [key for key in nodegroup.nodes if _is_outdated(nodegroup, key)]
    if not old:
        return wanted
    new = [node for node in nodegroup.nodes.values() if node.version == version]
    replaced = region.account.now() - region.account.latency("node-replaced")
    ready = [n for n in new if n.added and region.account.kubernetes.node_ready(cluster.arn, n.name)]
    done, at_a_time = sum(node.launched_at <= replaced for node in ready), _at_a_time(nodegroup, wanted)
    minimal = nodegroup.shape["updateConfig"].get("updateStrategy") == "MINIMAL"
    kept = max(0, wanted - done - (at_a_time if minimal else 0))
    if len(old) > kept:
        _terminate(region, group, old[: len(old) - kept])
        _sync_nodes(region, cluster, nodegroup, group)
    return max(0, at_a_time - (len(new) - done))


def _at_a_time(nodegroup: Nodegroup, nodes: int) -> int:
    rule = nodegroup.shape["updateConfig"]
    percentage = rule.get("maxUnavailablePercentage")
    return max(1, nodes * percentage // 100) if percentage else int(rule.get("maxUnavailable") or 1)


def _terminate(region: EksRegion, group: FakeAutoScalingGroup, ids: list[str]) -> None:
    running = [each for each in group.instance_states if each.instance.id in ids]
    if running:
        region.ec2.terminate_instances([each.instance.id for each in running])
        group.instance_states = [each for each in group.instance_states if each not in running]


def _sync_nodes(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup, group: FakeAutoScalingGroup) -> None:
    running = {each.instance.id: each.instance for each in group.instance_states}
    gone = [nodegroup.nodes.pop(key) for key in list(nodegroup.nodes) if key not in running]
    names = tuple(node.name for node in gone if node.added)
    if names:
        region.account.kubernetes.remove_nodes(cluster.arn, names)
    for key, instance in running.items():
        if key not in nodegroup.nodes:
            node = FleetNode(instance.private_dns_name, region.account.now(), _version(nodegroup))
            nodegroup.nodes[key] = node
    due = region.account.now() - region.account.latency("node-registers")
    if not region.account.conditions.nodes_join:
        return
    if not access.lets_in(region, cluster, nodegroup.shape["nodeRole"]):
        return
    joining = [key for key, node in nodegroup.nodes.items() if not node.added and node.launched_at <= due]
    if joining:
        specs = tuple(_spec(region, nodegroup, running[key]) for key in joining)
        region.account.kubernetes.add_nodes(cluster.arn, specs)
        for key in joining:
            nodegroup.nodes[key].added = True


def _spec(region: EksRegion, nodegroup: Nodegroup, instance: Any) -> NodeSpec:
    shape, kind = nodegroup.shape, kind_of(_type(region, instance.instance_type))
    labels = {
        "eks.amazonaws.com/nodegroup": nodegroup.name,
        "eks.amazonaws.com/nodegroup-image": nodegroup.image_id,
        "eks.amazonaws.com/capacityType": shape["capacityType"],
        **shape["labels"],
    }
    taints = tuple(
        {"key": taint["key"], "value": taint.get("value", ""), "effect": EFFECTS[taint["effect"]]}
        for taint in shape["taints"]
    )
    image = shape["amiType"]
    return NodeSpec(
        name=instance.private_dns_name,
        instance_id=instance.id,
        provider_id=f"aws:///{instance.availability_zone}/{instance.id}",
        private_ip=instance.private_ip,
        region=region.name,
        zone=instance.availability_zone,
        instance_type=kind.name,
        architecture=kind.architecture,
        vcpus=kind.vcpus,
        memory_mib=kind.memory_mib,
        disk_gib=_disk_gib(nodegroup),
        max_pods=kind.max_pods,
        nodegroup=nodegroup.name,
        gpus=kind.gpus if "NVIDIA" in image or image == "CUSTOM" else 0,
        neuron_devices=kind.neuron_devices if image in NEURON_DRIVER or image == "CUSTOM" else 0,
        efa_interfaces=sum(
            str(card.get("InterfaceType", "")).startswith("efa")
            for card in nodegroup.template_data.get("NetworkInterfaces", [])
        ),
        plugins=("nvidia",) if image.startswith("BOTTLEROCKET") and "NVIDIA" in image else (),
        labels=labels,
        taints=taints,
    )


def _disk_gib(nodegroup: Nodegroup) -> int:
    sizes = [disk.get("Ebs", {}).get("VolumeSize") for disk in nodegroup.template_data.get("BlockDeviceMappings", [])]
    return int(next((size for size in sizes if size), nodegroup.shape.get("diskSize") or 20))
