"""The IAM roles of a stack: who may take them, and no more rights than each needs.

The cluster's role is never the nodes'. Nodes get no CNI rights, the CNI has a role of its own through pod identity,
and every model one that reads its own prefix of the bucket. The lists are those of the EKS guide
(https://docs.aws.amazon.com/eks/latest/userguide/security-iam-awsmanpol.html,
https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html).
"""

from __future__ import annotations

from eksprov.core.names import model_step
from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.identity.policy_json import policy
from eksprov.steps.settled import Settled

SESSIONS = ("sts:AssumeRole", "sts:TagSession")
CLUSTER, NODE, VPC_CNI = "role/cluster", "role/node", "role/vpc-cni"
CLUSTER_AUTOSCALER = "role/cluster-autoscaler"
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore")
AUTO_NODE = "role/auto-node"


def managed(partition: str, *names: str) -> tuple[str, ...]:
    """The ARNs of AWS's own policies."""
    return tuple(f"arn:{partition}:iam::aws:policy/{name}" for name in names)


def ec2_principal(partition: str) -> str:
    """What EC2 is called in trust policies."""
    return "ec2.amazonaws.com.cn" if partition == "aws-cn" else "ec2.amazonaws.com"


def stack_roles(stack: str, settled: Settled, *, ipv6: bool = False) -> tuple[IamRole, ...]:
    """The roles of the cluster, its nodes and its CNI, which assigns addresses of one family."""
    return (
        IamRole(
            name=CLUSTER,
            slug=role_name(stack, settled.region, "cluster"),
            service="eks.amazonaws.com",
            actions=SESSIONS,
            policies=managed(settled.partition, "AmazonEKSClusterPolicy"),
            description=f"Control plane of the EKS cluster {stack}",
        ),
        IamRole(
            name=NODE,
            slug=role_name(stack, settled.region, "node"),
            service=ec2_principal(settled.partition),
            policies=managed(settled.partition, *NODE_POLICIES),
            description=f"Nodes of the EKS cluster {stack}",
        ),
        IamRole(
            name=VPC_CNI,
            slug=role_name(stack, settled.region, "vpc-cni"),
            service="pods.eks.amazonaws.com",
            actions=SESSIONS,
            policies=() if ipv6 else managed(settled.partition, "AmazonEKS_CNI_Policy"),
            inline=_cni_ipv6(settled.partition) if ipv6 else "",
            description=f"VPC CNI of the EKS cluster {stack}",
        ),
    )


def _cni_ipv6(partition: str) -> str:
    """What the CNI does for IPv6, for which AWS has no managed policy
    (https://docs.aws.amazon.com/eks/latest/userguide/cni-iam-role.html#cni-iam-role-create-ipv6-policy)."""
    reads = [f"ec2:Describe{what}" for what in ("Instances", "InstanceTypes", "NetworkInterfaces", "Tags")]
    interfaces = f"arn:{partition}:ec2:*:*:network-interface/*"
    return policy(
        [
            {"Sid": "Assign", "Effect": "Allow", "Action": ["ec2:AssignIpv6Addresses", *reads], "Resource": "*"},
            {"Sid": "Tag", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": interfaces},
        ]
    )


def model_role(stack: str, settled: Settled, model: str, bucket: str) -> IamRole:
    """The role of a model's pods: reading `models/<model>/` of the bucket, and nothing else."""
    arn, prefix = f"arn:{settled.partition}:s3:::{bucket}", f"models/{model}/*"
    listing = {"StringLike": {"s3:prefix": [prefix]}}
    return IamRole(
        name=model_step(model, "role"),
        slug=role_name(stack, settled.region, f"model-{model}"),
        service="pods.eks.amazonaws.com",
        actions=SESSIONS,
        inline=policy(
            [
                {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/{prefix}"},
                {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": listing},
            ]
        ),
        description=f"Model {model} of the stack {stack}",
    )


def cluster_autoscaler_role(stack: str, settled: Settled, cluster: str) -> IamRole:
    """The role of the Cluster Autoscaler's pods: it reads what it must, and changes groups of this cluster alone.

    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#iam-policy; the
    condition is on a tag that EKS sets on the Auto Scaling groups of managed node groups.
    """
    where = f"{settled.region}:{settled.account}"
    groups = f"arn:{settled.partition}:autoscaling:{where}:autoScalingGroup:*:autoScalingGroupName/*"
    described = f"arn:{settled.partition}:eks:{where}:nodegroup/{cluster}/*/*"
    reads = [
        *(f"autoscaling:Describe{what}" for what in ("AutoScalingGroups", "AutoScalingInstances", "Tags")),
        *(f"autoscaling:Describe{what}" for what in ("LaunchConfigurations", "ScalingActivities")),
        *(f"ec2:Describe{what}" for what in ("Images", "InstanceTypes", "LaunchTemplateVersions")),
        "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    writes = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    ours = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}}
    return IamRole(
        name=CLUSTER_AUTOSCALER,
        slug=role_name(stack, settled.region, "cluster-autoscaler"),
        service="pods.eks.amazonaws.com",
        actions=SESSIONS,
        inline=policy(
            [
                {"Sid": "Read", "Effect": "Allow", "Action": reads, "Resource": "*"},
                {"Sid": "Groups", "Effect": "Allow", "Action": "eks:DescribeNodegroup", "Resource": described},
                {"Sid": "Scale", "Effect": "Allow", "Action": writes, "Resource": groups, "Condition": ours},
            ]
        ),
        description=f"Cluster Autoscaler of the stack {stack}",
    )
