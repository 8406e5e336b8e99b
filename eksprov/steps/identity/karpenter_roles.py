"""The roles of Karpenter: its controller's, and that of the nodes which it launches.

The controller's rights are those that the project publishes for its releases, statement by statement
(https://github.com/aws/karpenter-provider-aws/blob/v1.14.1/website/content/en/docs/getting-started/getting-started-with-karpenter/cloudformation.yaml,
explained in https://karpenter.sh/docs/reference/cloudformation/), less zonal shifts, which are not turned on here: what
it makes it must tag as this cluster's, and what it takes away must bear those tags. Its nodes have no CNI rights: the
CNI has a role of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.identity.policy_json import policy
from eksprov.steps.identity.roles import NODE_POLICIES, SESSIONS, ec2_principal, managed
from eksprov.steps.settled import Settled

CONTROLLER, NODE = "role/karpenter", "role/karpenter-node"
POOL, CLASS = "karpenter.sh/nodepool", "karpenter.k8s.aws/ec2nodeclass"
LAUNCHED = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
USED = ("security-group", "subnet", "capacity-reservation", "placement-group")
EC2_READS = (
    "CapacityReservations Images Instances InstanceStatus InstanceTypeOfferings InstanceTypes LaunchTemplates "
    "PlacementGroups SecurityGroups SpotPriceHistory Subnets"
)
Statement = dict[str, Any]


def node_role_name(stack: str, settled: Settled) -> str:
    """The name by which node classes give the role to their nodes."""
    return role_name(stack, settled.region, "karpenter-node")


def node_role_arn(stack: str, settled: Settled, path: str) -> str:
    """The nodes' principal in EKS, whose role is made under `path`."""
    return f"arn:{settled.partition}:iam::{settled.account}:role{path}{node_role_name(stack, settled)}"


def karpenter_roles(
    stack: str, settled: Settled, cluster: str, queue_arn: str, node_arn: str
) -> tuple[IamRole, IamRole]:
    """The controller's role, for pods, which hands on the one of `node_arn`; the nodes', for EC2."""
    rights = (
        *_nodes(settled, cluster),
        *_profiles(settled, cluster, node_arn),
        *_readings(settled, cluster),
        _allow("Queue", "sqs:DeleteMessage sqs:GetQueueUrl sqs:ReceiveMessage", queue_arn),
    )
    controller = IamRole(
        name=CONTROLLER,
        slug=role_name(stack, settled.region, "karpenter"),
        service="pods.eks.amazonaws.com",
        actions=SESSIONS,
        inline=policy(rights),
        description=f"Karpenter of the stack {stack}",
    )
    node = IamRole(
        name=NODE,
        slug=node_role_name(stack, settled),
        service=ec2_principal(settled.partition),
        policies=managed(settled.partition, *NODE_POLICIES),
        description=f"Nodes that Karpenter launches for the EKS cluster {stack}",
    )
    return controller, node


def _nodes(settled: Settled, cluster: str) -> Iterator[Statement]:
    """Instances and what goes with them: launched, tagged and ended under the cluster's tags."""
    ec2 = f"arn:{settled.partition}:ec2:{settled.region}"
    launched = [f"{ec2}:*:{thing}/*" for thing in LAUNCHED]
    owned, asked = f"kubernetes.io/cluster/{cluster}", {"aws:RequestTag/eks:eks-cluster-name": cluster}
    ours = {"StringEquals": {f"aws:ResourceTag/{owned}": "owned"}, "StringLike": {f"aws:ResourceTag/{POOL}": "*"}}
    tags = {f"aws:RequestTag/{owned}": "owned", **asked}
    pool = {f"aws:RequestTag/{POOL}": "*"}
    making = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]
    used = [f"{ec2}::image/*", f"{ec2}::snapshot/*", *(f"{ec2}:*:{thing}/*" for thing in USED)]
    launch = "ec2:RunInstances ec2:CreateFleet"
    yield _allow("Use", launch, used)
    yield _allow("UseTemplates", launch, f"{ec2}:*:launch-template/*", ours)
    wanted = {"StringEquals": tags, "StringLike": pool}
    yield _allow("Launch", f"{launch} ec2:CreateLaunchTemplate", launched, wanted)
    tagging = {"StringEquals": {**tags, "ec2:CreateAction": making}, "StringLike": pool}
    yield _allow("TagNew", "ec2:CreateTags", launched, tagging)
    later = {
        **ours,
        "StringEqualsIfExists": asked,
        "ForAllValues:StringEquals": {"aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]},
    }
    yield _allow("TagInstances", "ec2:CreateTags", f"{ec2}:*:instance/*", later)
    ended = [f"{ec2}:*:instance/*", f"{ec2}:*:launch-template/*"]
    yield _allow("End", "ec2:TerminateInstances ec2:DeleteLaunchTemplate", ended, ours)


def _profiles(settled: Settled, cluster: str, node_arn: str) -> Iterator[Statement]:
    """The instance profile of each node class, and handing the nodes' role to EC2 in it."""
    profiles = f"arn:{settled.partition}:iam::{settled.account}:instance-profile/*"
    owned = {f"kubernetes.io/cluster/{cluster}": "owned", "topology.kubernetes.io/region": settled.region}
    have = {f"aws:ResourceTag/{key}": value for key, value in owned.items()}
    send = {f"aws:RequestTag/{key}": value for key, value in {**owned, "eks:eks-cluster-name": cluster}.items()}
    has_class, sends_class = {f"aws:ResourceTag/{CLASS}": "*"}, {f"aws:RequestTag/{CLASS}": "*"}
    passed = {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}}
    yield _allow("PassNodeRole", "iam:PassRole", node_arn, passed)
    made = {"StringEquals": send, "StringLike": sends_class}
    yield _allow("MakeProfiles", "iam:CreateInstanceProfile", profiles, made)
    both = {"StringEquals": {**have, **send}, "StringLike": {**has_class, **sends_class}}
    yield _allow("TagProfiles", "iam:TagInstanceProfile", profiles, both)
    changes = "iam:AddRoleToInstanceProfile iam:RemoveRoleFromInstanceProfile iam:DeleteInstanceProfile"
    yield _allow("ChangeProfiles", changes, profiles, {"StringEquals": have, "StringLike": has_class})
    yield _allow("ReadProfiles", "iam:GetInstanceProfile", profiles)


def _readings(settled: Settled, cluster: str) -> Iterator[Statement]:
    here = {"StringEquals": {"aws:RequestedRegion": settled.region}}
    parameters = f"arn:{settled.partition}:ssm:{settled.region}::parameter/aws/service/*"
    yield _allow("ReadHere", " ".join(f"ec2:Describe{what}" for what in EC2_READS.split()), "*", here)
    yield _allow("ReadImages", "ssm:GetParameter", parameters)
    yield _allow("ReadPrices", "pricing:GetProducts iam:ListInstanceProfiles", "*")
    endpoint = f"arn:{settled.partition}:eks:{settled.region}:{settled.account}:cluster/{cluster}"
    yield _allow("ReadCluster", "eks:DescribeCluster", endpoint)


def _allow(sid: str, actions: str, resources: str | list[str], condition: dict[str, Any] | None = None) -> Statement:
    made: Statement = {"Sid": sid, "Effect": "Allow", "Action": actions.split(), "Resource": resources}
    return {**made, "Condition": condition} if condition else made
