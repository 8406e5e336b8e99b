"""What a cluster's controllers leave in AWS when nobody asks them to clean up, with the tags that they write.

An interface is left by the VPC CNI, or held by a load balancer (https://github.com/aws/amazon-vpc-cni-k8s/issues/608);
a load balancer with its target group and security group by the AWS Load Balancer Controller
(https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#resource-tags); and a
volume by the EBS CSI driver (https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md).
GuardDuty's runtime monitoring puts an endpoint and its group into the VPC, which go only when it is switched off
(https://docs.aws.amazon.com/guardduty/latest/ug/using-iac-with-gdu-automated-agents-runtime-monitoring.html).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from eksprov.local.aws.keys import ACCOUNT

VOLUME_GIB = 8


def leak_interface(cluster: Any, region: str, description: str, *, by_cni: bool) -> Callable[[], object]:
    """An interface in the cluster's last subnet, free where the VPC CNI left it, in use otherwise. Gives its end.

    The CNI's is in the cluster's security group, which EKS then cannot delete; that of EKS Auto Mode has other tags
    (AmazonEKSNetworkingPolicy names them).
    """
    ec2: Any = ec2_backends[ACCOUNT][region]
    subnet = _subnets(cluster, ec2)[-1]
    tags = {"cluster.k8s.amazonaws.com/name": cluster.name, "eks:eni:owner": "amazon-vpc-cni"}
    if not cluster.nodegroups:
        tags = {"eks:eks-cluster-name": cluster.name, "eks:kubernetes-cni-node-name": "i-0123456789abcdef0"}
    interface = ec2.create_network_interface(
        subnet,
        subnet.get_available_subnet_ip(instance=None),
        group_ids=[cluster.security_group] if by_cni else [],
        description=description,
        tags=tags if by_cni else {},
    )
    interface.status = "available" if by_cni else "in-use"
    return lambda: ec2.enis.pop(interface.id, None)


def _load_balancer(cluster: Any, region: str) -> None:
    ec2: Any = ec2_backends[ACCOUNT][region]
    elb: Any = elbv2_backends[ACCOUNT][region]
    subnets, vpc = _subnets(cluster, ec2)[:2], cluster.shape["resourcesVpcConfig"]["vpcId"]
    tags = {"elbv2.k8s.aws/cluster": cluster.name, "ingress.k8s.aws/stack": "models/web"}
    name = f"k8s-models-web-{hashlib.sha256(cluster.arn.encode()).hexdigest()[:10]}"  # as the controller names them
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    group = ec2.create_security_group(name, "[k8s] Managed SecurityGroup for LoadBalancer", vpc, tags)
    made = elb.create_load_balancer(name, [group.id], [subnet.id for subnet in subnets], None, tags=listed)
    target = elb.create_target_group(name, protocol="HTTP", port="80", vpc_id=vpc, tags=listed)
    target.load_balancer_arns.append(made.arn)


def _volume(cluster: Any, region: str) -> None:
    ec2: Any = ec2_backends[ACCOUNT][region]
    tags = {
        f"kubernetes.io/cluster/{cluster.name}": "owned",
        "ebs.csi.aws.com/cluster": "true",
        "kubernetes.io/created-for/pvc/name": "models-cache",
    }
    ec2.create_volume(size=VOLUME_GIB, zone_name=_subnets(cluster, ec2)[0].availability_zone).add_tags(tags)


def _security_group(cluster: Any, region: str) -> None:
    cluster.group_stays = True


def _guardduty(cluster: Any, region: str) -> None:
    ec2: Any = ec2_backends[ACCOUNT][region]
    vpc, subnet = cluster.shape["resourcesVpcConfig"]["vpcId"], _subnets(cluster, ec2)[0]
    tags = {"GuardDutyManaged": "true"}
    group = ec2.create_security_group(f"GuardDutyManagedSecurityGroup-{vpc}", "Managed by GuardDuty", vpc, tags)
    service = f"com.amazonaws.{region}.guardduty-data"
    endpoint = ec2.create_vpc_endpoint(
        vpc, service, "Interface", None, [], [subnet.id], security_group_ids=[group.id], tags=tags
    )
    for one in endpoint.network_interface_ids:  # moto's are in no group
        interface = ec2.enis[one]
        interface._group_set, interface.status = [group], "in-use"
        interface.description = f"VPC Endpoint Interface {endpoint.id}"


def _subnets(cluster: Any, ec2: Any) -> list[Any]:
    """Of the cluster, one a zone at least, in the order that it was given them."""
    known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    return [known[each] for each in cluster.shape["resourcesVpcConfig"]["subnetIds"]]


LEFT: Final[dict[str, Callable[[Any, str], None]]] = {
    "left-load-balancer": _load_balancer,
    "left-volume": _volume,
    "left-security-group": _security_group,
    "guardduty-endpoint": _guardduty,
}
