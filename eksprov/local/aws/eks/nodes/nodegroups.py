"""Managed node groups: create, describe, list, change, delete.

Rules: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html and, where a launch template
is given, https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from eksprov.local.aws.eks import access, checks, refusals
from eksprov.local.aws.eks.model import Cluster, Nodegroup, Shape
from eksprov.local.aws.eks.nodes import fleet, templates
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.iam import service_roles

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,62}")
LONGEST_LABEL = 63
RELEASE_DATE = "20260901"
ARM = "AL2023_ARM_64_STANDARD"
FAMILIES = (("NVIDIA", "GpuInfo"), ("NEURON", "NeuronInfo"))


def create_nodegroup(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, name = region.cluster(ask["clusterName"]), ask["nodegroupName"]
    if name in cluster.nodegroups:
        message = f"NodeGroup already exists with name {name} and cluster name {cluster.name}"
        raise refusals.in_use(message, clusterName=cluster.name, nodegroupName=name)
    if cluster.status != "ACTIVE":
        raise refusals.not_active(cluster.name)
    _check(region, cluster, ask)
    nodegroup = _new(region, cluster, ask)
    if ask["nodeRole"] not in cluster.entries:
        access.make_entry(region, cluster, ask["nodeRole"], "EC2_LINUX")
    cluster.nodegroups[name] = nodegroup
    spot = (service_roles.SPOT,) if nodegroup.shape["capacityType"] == "SPOT" else ()
    service_roles.make(region.iam, service_roles.NODEGROUP, service_roles.AUTO_SCALING, *spot)
    fleet.make(region, cluster, nodegroup)
    fleet.reconcile(region, cluster, nodegroup)
    return {"nodegroup": nodegroup.shape}


def describe_nodegroup(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"nodegroup": region.nodegroup(ask["clusterName"], ask["nodegroupName"])[1].shape}


def list_nodegroups(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return region.page("nodegroups", sorted(region.cluster(ask["clusterName"]).nodegroups), ask)


def delete_nodegroup(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteNodegroup: its nodes leave Kubernetes at once, its instances at the end."""
    cluster, nodegroup = region.nodegroup(ask["clusterName"], ask["nodegroupName"])
    if nodegroup.status == "UPDATING":
        raise refusals.in_use(
            f"Nodegroup {nodegroup.name} currently has an update in progress",
            clusterName=cluster.name,
            nodegroupName=nodegroup.name,
        )
    refused_until = nodegroup.changed_at + region.account.capacity.deletes_refused_s / region.account.speed
    if nodegroup.status == "CREATING" and region.account.now() < refused_until:
        raise refusals.in_use(f"The creation of nodegroup {nodegroup.name} is in progress", clusterName=cluster.name)
    if nodegroup.status != "DELETING":
        nodegroup.shape["status"] = "DELETING"
        nodegroup.changed_at = region.account.now()
        fleet.drain(region, cluster, nodegroup)
    return {"nodegroup": nodegroup.shape}


def check_scaling(scaling: Shape) -> None:
    """0 <= min <= desired <= max, and max at least 1."""
    low, wanted, high = scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]
    if low < 0 or high < 1:
        raise refusals.invalid("minSize must be at least 0 and maxSize at least 1")
    if low > high:
        raise refusals.invalid(f"Minimum capacity {low} can't be greater than maximum size {high}")
    if wanted > high:
        raise refusals.invalid(f"desired capacity {wanted} can't be greater than max size {high}")
    if wanted < low:
        raise refusals.invalid(f"Minimum capacity {low} can't be greater than desired size {wanted}")


def check_labels(labels: Shape) -> None:
    """Keys, prefix and all, and values of at most 63 characters, by labelKey and labelValue of EKS's model; clients
    themselves refuse empty ones."""
    for text in (text for label in labels.items() for text in label if len(text) > LONGEST_LABEL):
        raise refusals.invalid(f"Invalid value: {text} : must be no more than {LONGEST_LABEL} characters")


def check_taints_and_updates(taints: list[Shape], update: Shape) -> None:
    """At most 50 taints with an effect; maxUnavailable as a number or a percentage, 1 to 100."""
    if len(taints) > 50:
        raise refusals.invalid("A node group can have at most 50 taints")
    if any(taint.get("effect") not in fleet.EFFECTS for taint in taints):
        raise refusals.invalid(f"The effect of a taint must be one of {', '.join(fleet.EFFECTS)}")
    given = [update[key] for key in ("maxUnavailable", "maxUnavailablePercentage") if update.get(key) is not None]
    if len(given) > 1 or any(not 1 <= number <= 100 for number in given):
        raise refusals.invalid("Give one of maxUnavailable and maxUnavailablePercentage, from 1 to 100")


def release_version(version: str) -> str:
    """The release of the node image for a Kubernetes version; the date is a fixed sample."""
    return f"{version}.0-{RELEASE_DATE}"


def is_published(day: str) -> bool:
    """Whether there is a node image of that day: of any in the year of the newest, up to it."""
    return f"{RELEASE_DATE[:4]}0101" <= day <= RELEASE_DATE


def check_release(release: str | None, ami_type: str, version: str) -> None:
    """A release must be of the nodes' Kubernetes version, and published; of the message only the sense is known."""
    if not release:
        return
    wanted = re.fullmatch(r"(\d+\.\d+)\.\d+-(\d{8})", release)
    if ami_type.startswith("BOTTLEROCKET"):
        fits = bool(re.fullmatch(r"\d+\.\d+\.\d+(-[0-9a-z]+)?", release))
    else:
        fits = wanted is not None and wanted[1] == version and is_published(wanted[2])
    if not fits:
        raise refusals.invalid(f"Requested release version {release} is not valid for kubernetes version {version}")


def _check(region: EksRegion, cluster: Cluster, ask: Shape) -> None:
    if not NAME.fullmatch(ask["nodegroupName"]):
        raise refusals.invalid(
            "The node group name must start with a letter or digit, hold only letters, digits, hyphens and "
            "underscores, and be no longer than 63 characters"
        )
    if ask.get("remoteAccess"):
        raise refusals.invalid("The local AWS does not emulate remoteAccess")
    check_scaling(_scaling(ask))
    check_labels(ask.get("labels") or {})
    check_taints_and_updates(ask.get("taints") or [], ask.get("updateConfig") or {})
    if not ask["subnets"]:
        raise refusals.invalid("At least one subnet must be specified")
    found = checks.subnets(region, ask["subnets"], clusterName=cluster.name)
    if any(subnet.vpc_id != cluster.shape["resourcesVpcConfig"]["vpcId"] for subnet in found):
        raise refusals.invalid("Subnets must belong to the VPC of the cluster", clusterName=cluster.name)
    checks.node_role(region, ask["nodeRole"], cluster.shape["roleArn"])
    template = _check_template(region, ask)
    version = ask.get("version")
    if version and version != cluster.version:
        lag = int(cluster.version.split(".")[1]) - int(version.split(".")[1])
        if not 0 <= lag <= 3:
            raise refusals.invalid(f"Kubernetes version {version} does not fit the cluster's {cluster.version}")
    check_release(ask.get("releaseVersion"), ask.get("amiType") or "", version or cluster.version)
    types = [template["InstanceType"]] if template.get("InstanceType") else ask.get("instanceTypes") or []
    for name in types:
        _check_type(region, name, ask.get("amiType"))


def _check_template(region: EksRegion, ask: Shape) -> Shape:
    given = ask.get("launchTemplate")
    if not given:
        if ask.get("capacityType") == "CAPACITY_BLOCK":
            raise refusals.invalid("Capacity blocks need a launch template")
        return {}
    if ask.get("diskSize"):
        raise refusals.invalid("Disk size must be specified within the launch template.")
    data = templates.find(region, given)[1]
    templates.check(data, ask)
    if data.get("InstanceType") and ask.get("instanceTypes"):
        raise refusals.invalid("Instance types must be given in the launch template or the request, not in both")
    if data.get("ImageId") and (ask.get("amiType") or ask.get("version") or ask.get("releaseVersion")):
        raise refusals.invalid("With an own image neither amiType nor version nor releaseVersion can be given")
    return data


def _check_type(region: EksRegion, name: str, ami_type: str | None) -> None:
    details = next((dict(t) for t in region.ec2.instance_types if t.get("InstanceType") == name), None)
    if details is None:
        raise refusals.invalid(f"The following supplied instance types do not exist: [{name}]")
    arm = "arm64" in details["ProcessorInfo"]["SupportedArchitectures"]
    if ami_type and ami_type != "CUSTOM" and arm != ("ARM_64" in ami_type):
        raise refusals.invalid(f"[{name}] is not a valid instance type for requested amiType {ami_type}")
    lacks = any(word in (ami_type or "") and not details.get(key) for word, key in FAMILIES)
    if lacks:
        raise refusals.invalid(f"[{name}] is not a valid instance type for requested amiType {ami_type}")


def _scaling(ask: Shape) -> Shape:
    # Defaults: https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
    asked = ask.get("scalingConfig") or {}
    low = asked.get("minSize", 1)
    wanted = asked.get("desiredSize", max(low, 2) if not asked else low)
    return {"minSize": low, "maxSize": asked.get("maxSize", max(wanted, 2)), "desiredSize": wanted}


def _new(region: EksRegion, cluster: Cluster, ask: Shape) -> Nodegroup:
    name, identifier = ask["nodegroupName"], str(uuid.uuid4())
    template = _check_template(region, ask)
    types = [template["InstanceType"]] if template.get("InstanceType") else ask.get("instanceTypes") or ["t3.medium"]
    version = ask.get("version") or cluster.version
    now = region.stamp()
    group_name = f"eks-{name}-{identifier}"
    shape: Shape = {
        "nodegroupName": name,
        "nodegroupArn": region.arn("nodegroup", cluster.name, name, identifier),
        "clusterName": cluster.name,
        "version": version,
        "releaseVersion": ask.get("releaseVersion") or release_version(version),
        "createdAt": now,
        "modifiedAt": now,
        "status": "CREATING",
        "capacityType": ask.get("capacityType") or "ON_DEMAND",
        "scalingConfig": _scaling(ask),
        "instanceTypes": list(types),
        "subnets": list(ask["subnets"]),
        "amiType": ask.get("amiType") or ("CUSTOM" if template.get("ImageId") else _ami_type(region, types[0])),
        "nodeRole": ask["nodeRole"],
        "labels": dict(ask.get("labels") or {}),
        "taints": list(ask.get("taints") or []),
        "resources": {"autoScalingGroups": [{"name": group_name}]},
        "health": {"issues": []},
        "updateConfig": dict(ask.get("updateConfig") or {"maxUnavailable": 1}),
        "tags": dict(ask.get("tags") or {}),
    }
    if ask.get("launchTemplate"):
        shape["launchTemplate"] = templates.shape(region, ask["launchTemplate"])
    else:
        shape["diskSize"] = ask.get("diskSize") or 20
    for key in ("nodeRepairConfig", "warmPoolConfig"):
        if ask.get(key):
            shape[key] = ask[key]
    image = template.get("ImageId") or "ami-" + uuid.uuid4().hex[:17]
    return Nodegroup(shape, region.account.now(), group_name, "", image, template)


def _ami_type(region: EksRegion, name: str) -> str:
    details = dict(next(t for t in region.ec2.instance_types if t.get("InstanceType") == name))
    arm = "arm64" in details["ProcessorInfo"]["SupportedArchitectures"]
    for kind, key in FAMILIES:
        if details.get(key):
            return f"AL2023_{'ARM_64' if arm else 'x86_64'}_{kind}"
    return ARM if arm else "AL2023_x86_64_STANDARD"


OPERATIONS = {
    "CreateNodegroup": create_nodegroup,
    "DescribeNodegroup": describe_nodegroup,
    "ListNodegroups": list_nodegroups,
    "DeleteNodegroup": delete_nodegroup,
}
