"""What a cluster has in a VPC that is not tagged as ours: the group that EKS makes for it, and its CNI's interfaces.

EKS names the group by the cluster and a number and tags it as the cluster's
(https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html). It goes with the cluster, unless something is
still in it: an interface that the CNI has leaked (https://github.com/aws/aws-k8s-tester/pull/416), or nodes that end
only with the cluster (https://github.com/aws/aws-k8s-tester/pull/541). Nobody deletes it then, and the VPC stays too.

The VPC CNI names the cluster in a tag where it has been told its name; with it or without, it tags the instance
(https://github.com/aws/amazon-vpc-cni-k8s, pkg/awsutils/awsutils.go), and then the group says whose the interface is.
The VPC resource controller and EKS Auto Mode have tags of their own
(https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/config/type.go,
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSNetworkingPolicy.html).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from eksprov.aws.rights import Condition, Place
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict
from eksprov.core.convergence.converge import is_ours
from eksprov.steps.network.ec2 import Item, interfaces, owner_in

BY_CNI = "cluster.k8s.amazonaws.com/name"
OF_INSTANCE = "node.k8s.amazonaws.com/instance_id"
EKS_CLUSTER = "eks:eks-cluster-name"
MADE_BY = "eks:eni:owner"
MAKERS = frozenset({"amazon-vpc-cni", "eks-vpc-resource-controller"})
FREE = "available"
# Where a rule names another group: the filter that finds it, and where it is described.
RULES = (("ip-permission.group-id", "IpPermissions"), ("egress.ip-permission.group-id", "IpPermissionsEgress"))


def owned_tag(cluster: str) -> str:
    """The key of the tag that says that something is the cluster's, with the value "owned"."""
    return f"kubernetes.io/cluster/{cluster}"


def is_clusters_group(group: Item, cluster: str) -> bool:
    """Whether EKS made this security group for this cluster: of `ml`, not of `ml-prod`."""
    tagged = as_dict(group.get("Tags")).get(owned_tag(cluster)) == "owned"
    return tagged and _is_groups_name(group.get("GroupName", ""), cluster)


def cni_interfaces(aws: Aws, cluster: str, *filters: Any) -> list[Item]:
    """The interfaces that a CNI of this cluster has made, free ones and those in use; `filters` say where."""
    keys: Any = {"Name": "tag-key", "Values": [BY_CNI, OF_INSTANCE, EKS_CLUSTER, owned_tag(cluster)]}
    return [found for found in interfaces(aws, *(filters or (keys,))) if _is_clusters(found, cluster)]


def strangers_rules(aws: Aws, mine: Collection[str]) -> dict[str, str]:
    """Which of the groups a rule of somebody else's group names: only its owner may change that."""
    held: dict[str, str] = {}
    for name, key in RULES if mine else ():
        filters: list[Any] = [{"Name": name, "Values": sorted(mine)}]
        for page in aws.clients.ec2.get_paginator("describe_security_groups").paginate(Filters=filters):
            others: list[Any] = [dict(group) for group in page["SecurityGroups"] if group["GroupId"] not in mine]
            for other in [one for one in others if not is_ours(owner_in(one), aws.owner)]:
                pairs = [pair["GroupId"] for rule in other[key] for pair in rule["UserIdGroupPairs"]]
                why = f"a rule of {other['GroupId']} ({other['GroupName']}), which is not this stack's, names it"
                held |= {pair: why for pair in pairs if pair in mine}
    return held


def _is_clusters(interface: Item, cluster: str) -> bool:
    tags = as_dict(interface.get("TagSet"))
    if MADE_BY in tags and tags[MADE_BY] not in MAKERS:
        return False
    if tags.get(BY_CNI) == cluster or tags.get(EKS_CLUSTER) == cluster:
        return True
    if tags.get(owned_tag(cluster)) == "owned" and MADE_BY in tags:
        return True
    names = [group.get("GroupName", "") for group in interface.get("Groups", ())]
    return BY_CNI not in tags and OF_INSTANCE in tags and any(_is_groups_name(name, cluster) for name in names)


def _is_groups_name(name: str, cluster: str) -> bool:
    return re.fullmatch(rf"eks-cluster-sg-{re.escape(cluster)}-\d+", name) is not None


def of_cni(place: Place) -> Condition:
    """The network interface bears the mark of this cluster's CNI; it has no tags of ours."""
    return (("StringEquals", f"aws:ResourceTag/{BY_CNI}", (place.stack,)),)
