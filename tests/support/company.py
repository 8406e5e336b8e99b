"""An account with a company's rules for IAM: roles that others made, by purpose, and a policy that bounds roles.

Written from the guides of EKS, Karpenter and the autoscaler, not from what eksprov would make.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from eksprov.config.schema import Config
from support.configs import changed

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/company/boundary"
OTHER_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/company/narrower"
PODS, EC2, EKS = "pods.eks.amazonaws.com", "ec2.amazonaws.com", "eks.amazonaws.com"
AUTO = ("AmazonEKSBlockStoragePolicy", "AmazonEKSComputePolicy", "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy")  # fmt: skip
# Whom each trusts, and the policies of AWS's that it has; None: one of the company's own.
PURPOSES: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "cluster": (EKS, ("AmazonEKSClusterPolicy", *AUTO)),
    "node": (EC2, ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryReadOnly")),
    "auto_node": (EC2, ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")),
    "vpc_cni": (PODS, ("AmazonEKS_CNI_Policy",)),
    "cluster_autoscaler": (PODS, None),
    "karpenter": (PODS, None),
    "model": (PODS, None),
}
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def trust(service: str, *more: str) -> str:
    """Whoever may take the role, and tag its session."""
    actions = ["sts:AssumeRole", "sts:TagSession", *more]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def name_of(purpose: str) -> str:
    return f"corp-{purpose.replace('_', '-')}"


def path_of(purpose: str) -> str:
    """A company has its paths; Auto Mode's nodes may have none."""
    return "/" if purpose == "auto_node" else "/corp/platform/"


def arn_of(purpose: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role{path_of(purpose)}{name_of(purpose)}"


def make_boundaries(iam: Any) -> None:
    """The policies that bound."""
    for arn in (BOUNDARY, OTHER_BOUNDARY):
        iam.create_policy(PolicyName=arn.rsplit("/", 1)[-1], Path="/company/", PolicyDocument=json.dumps(ANYTHING))


def make_roles(iam: Any, purposes: Iterable[str] = PURPOSES) -> None:
    """The roles as another team makes them."""
    for purpose in purposes:
        service, policies = PURPOSES[purpose]
        name, tags = name_of(purpose), [{"Key": "team", "Value": "platform"}]
        iam.create_role(
            RoleName=name,
            Path=path_of(purpose),
            AssumeRolePolicyDocument=trust(service),
            Description=purpose,
            Tags=tags,
        )
        for policy in policies or ():
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        if policies is None:
            iam.put_role_policy(RoleName=name, PolicyName="corp", PolicyDocument=json.dumps(ANYTHING))


def lending(config: Config, *purposes: str) -> Config:
    """The config with these roles given; `model` is every model's."""
    roles = {purpose: arn_of(purpose) for purpose in purposes if purpose != "model"}
    models = [one.model_dump(mode="json", exclude_unset=True) for one in config.models]
    models = models or [{"name": "digits", "path": "examples/digits/model"}]
    if "model" in purposes:
        models = [{**one, "role_arn": arn_of("model")} for one in models]
    return changed(config, iam={"roles": roles}, models=models)


def roles_of(iam: Any, stack: str) -> dict[str, Any]:
    """The roles of a stack by name, as GetRole says."""
    pages = iam.get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    return {name: iam.get_role(RoleName=name)["Role"] for name in names if name.startswith(f"{stack}-")}
