"""What a cluster has in the VPC: its security group, and a network interface in each subnet.

They are real to moto's EC2, so that deleting a subnet, a security group or the VPC is refused as long as the
cluster lives (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html,
https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from eksprov.local.aws.ec2.held import is_held
from eksprov.local.aws.eks.model import Cluster
from eksprov.local.aws.eks.region import EksRegion


def make_security_group(region: EksRegion, cluster_name: str, vpc_id: str) -> str:
    """The cluster's own group, which lets its members talk to one another; gives its id."""
    name = f"eks-cluster-sg-{cluster_name}-{secrets.randbelow(10**10)}"
    group = region.ec2.create_security_group(
        name,
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
        "as well as any managed workloads.",
        vpc_id,
        tags={
            "Name": name,
            "aws:eks:cluster-name": cluster_name,
            f"kubernetes.io/cluster/{cluster_name}": "owned",
        },
    )
    region.ec2.authorize_security_group_ingress(
        group.id, "-1", "-1", "-1", [], source_groups=[{"GroupId": group.id}], vpc_id=vpc_id
    )
    return str(group.id)


def make_interfaces(region: EksRegion, cluster_name: str, subnets: Sequence[Any], groups: Sequence[str]) -> list[str]:
    """One interface of the control plane in each subnet; gives their ids."""
    made = []
    for subnet in subnets:
        interface = region.ec2.create_network_interface(
            subnet,
            subnet.get_available_subnet_ip(instance=None),
            group_ids=list(groups),
            description=f"Amazon EKS {cluster_name}",
        )
        interface.requester_managed = True
        interface.status = "in-use"
        made.append(str(interface.id))
    return made


def remove(region: EksRegion, cluster: Cluster) -> None:
    """Take the interfaces away again, and the security group unless something holds it: EKS then leaves it for good.

    So it does where nodes of Auto Mode go only with the cluster, or the CNI has leaked an interface
    (https://github.com/aws/aws-k8s-tester/pull/541, https://github.com/aws/aws-k8s-tester/pull/416).
    """
    remove_interfaces(region, cluster)
    if not cluster.group_stays and not is_held(region.ec2, cluster.security_group):
        region.ec2.delete_security_group(group_id=cluster.security_group)


def remove_interfaces(region: EksRegion, cluster: Cluster) -> None:
    for interface_id in cluster.interfaces:
        if interface_id in region.ec2.enis:
            region.ec2.enis[interface_id].delete()
    cluster.interfaces.clear()
