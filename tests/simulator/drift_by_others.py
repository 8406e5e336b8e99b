"""What others do to a stack behind its back, with plain clients; and what must come of it.

"repaired": the plan names it and provision puts it right. "refused": it is not ours any more, or cannot be put right in
place, so the run says so and leaves it. "unseen": it is none of our business, and nothing is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.stage import quick_start

from eksprov.aws.tags import STACK, STACK_ID, STEP
from simulator.warm import Warm

NAME = quick_start().name
TAGS = [STACK, STACK_ID, STEP]
Meddle = Callable[[Warm], object]


def _ours(warm: Warm, step: str) -> dict[str, Any]:
    """The EC2 resource of a step."""
    filters = [{"Name": f"tag:{STACK}", "Values": [NAME]}, {"Name": f"tag:{STEP}", "Values": [step]}]
    ec2 = warm.plain["ec2"]
    for operation, key in (
        ("describe_vpcs", "Vpcs"),
        ("describe_subnets", "Subnets"),
        ("describe_route_tables", "RouteTables"),
        ("describe_internet_gateways", "InternetGateways"),
        ("describe_nat_gateways", "NatGateways"),
        ("describe_addresses", "Addresses"),
    ):
        found: list[dict[str, Any]] = getattr(ec2, operation)(Filters=filters)[key]
        found = [one for one in found if {"Key": STEP, "Value": step} in one.get("Tags", [])]
        if found:
            return found[0]
    raise LookupError(step)


def _role(warm: Warm, part: str) -> str:
    roles = warm.plain["iam"].list_roles(PathPrefix="/eksprov/")["Roles"]
    return str(next(role["RoleName"] for role in roles if part in role["RoleName"]))


def _entry(warm: Warm) -> str:
    eks = warm.plain["eks"]
    for principal in eks.list_access_entries(clusterName=NAME)["accessEntries"]:
        if STACK in eks.describe_access_entry(clusterName=NAME, principalArn=principal)["accessEntry"]["tags"]:
            return str(principal)
    raise LookupError("an access entry of ours")


def _bucket(warm: Warm) -> str:
    names = [bucket["Name"] for bucket in warm.plain["s3"].list_buckets()["Buckets"]]
    return str(next(name for name in names if name.startswith(NAME) and name != f"{NAME}-models"))


def _no_route(warm: Warm) -> object:
    table = _ours(warm, "route-table/public")["RouteTableId"]
    return warm.plain["ec2"].delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def _no_association(warm: Warm) -> object:
    association = _ours(warm, "route-table/public")["Associations"][0]["RouteTableAssociationId"]
    return warm.plain["ec2"].disassociate_route_table(AssociationId=association)


def _untag_cluster(warm: Warm) -> object:
    arn = warm.plain["eks"].describe_cluster(name=NAME)["cluster"]["arn"]
    return warm.plain["eks"].untag_resource(resourceArn=arn, tagKeys=TAGS)


def _trust(warm: Warm) -> object:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return warm.plain["iam"].update_assume_role_policy(RoleName=_role(warm, "cluster"), PolicyDocument=document)


def _stranger_in_our_vpc(warm: Warm) -> object:
    return warm.plain["ec2"].create_subnet(VpcId=_ours(warm, "vpc")["VpcId"], CidrBlock="10.0.255.240/28")


def _second_vpc(warm: Warm) -> object:
    tags = [*(t for t in _ours(warm, "vpc")["Tags"] if t["Key"].startswith("eksprov"))]
    specification = [{"ResourceType": "vpc", "Tags": tags}]
    return warm.plain["ec2"].create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)


def _untagged_vpc(warm: Warm) -> object:
    return warm.plain["ec2"].create_vpc(CidrBlock="10.9.0.0/16")


def _deleted_role_policy(warm: Warm) -> object:
    arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    return warm.plain["iam"].detach_role_policy(RoleName=_role(warm, "cluster"), PolicyArn=arn)


def _log_group(warm: Warm) -> str:
    groups = warm.plain["logs"].describe_log_groups(logGroupNamePrefix=f"/aws/eks/{NAME}/")["logGroups"]
    return str(groups[0]["logGroupName"])


def _repository(warm: Warm) -> str:
    found = warm.plain["ecr"].describe_repositories()["repositories"]
    return str(next(r["repositoryName"] for r in found if r["repositoryName"].startswith(f"{NAME}/")))


def _tags_of_role(warm: Warm) -> object:
    return warm.plain["iam"].untag_role(RoleName=_role(warm, "node"), TagKeys=TAGS)


MEDDLINGS: dict[str, tuple[Meddle, str]] = {
    "node group deleted": (
        lambda w: w.plain["eks"].delete_nodegroup(clusterName=NAME, nodegroupName="workers"),
        "repaired",
    ),
    "add-on deleted": (lambda w: w.plain["eks"].delete_addon(clusterName=NAME, addonName="coredns"), "repaired"),
    "access entry deleted": (
        lambda w: w.plain["eks"].delete_access_entry(clusterName=NAME, principalArn=_entry(w)),
        "repaired",
    ),
    "route deleted": (_no_route, "repaired"),
    "association deleted": (_no_association, "repaired"),
    "repository deleted": (
        lambda w: w.plain["ecr"].delete_repository(repositoryName=_repository(w), force=True),
        "repaired",
    ),
    "bucket deleted": (lambda w: w.plain["s3"].delete_bucket(Bucket=_bucket(w)), "repaired"),
    "log retention removed": (
        lambda w: w.plain["logs"].delete_retention_policy(logGroupName=_log_group(w)),
        "repaired",
    ),
    "bucket policy removed": (lambda w: w.plain["s3"].delete_bucket_policy(Bucket=_bucket(w)), "repaired"),
    "role policy detached": (_deleted_role_policy, "repaired"),
    "role trust changed": (_trust, "repaired"),
    "DNS switched off": (
        lambda w: w.plain["ec2"].modify_vpc_attribute(
            VpcId=_ours(w, "vpc")["VpcId"], EnableDnsHostnames={"Value": False}
        ),
        "repaired",
    ),
    "nodes scaled by hand": (
        lambda w: w.plain["eks"].update_nodegroup_config(
            clusterName=NAME, nodegroupName="workers", scalingConfig={"desiredSize": 1}
        ),
        "repaired",
    ),
    "endpoint made private": (
        lambda w: w.plain["eks"].update_cluster_config(name=NAME, resourcesVpcConfig={"endpointPublicAccess": False}),
        "repaired",
    ),
    "cluster untagged": (_untag_cluster, "refused"),
    "role untagged": (_tags_of_role, "refused"),
    "second VPC of ours": (_second_vpc, "refused"),
    "stranger's subnet in our VPC": (_stranger_in_our_vpc, "unseen"),
    "stranger's VPC": (_untagged_vpc, "unseen"),
    "stranger's tag on our VPC": (
        lambda w: w.plain["ec2"].create_tags(
            Resources=[_ours(w, "vpc")["VpcId"]], Tags=[{"Key": "team", "Value": "else"}]
        ),
        "unseen",
    ),
    "stranger's access entry": (
        lambda w: w.plain["eks"].create_access_entry(
            clusterName=NAME, principalArn="arn:aws:iam::123456789012:role/quickstart-us-west-2-other"
        ),
        "unseen",
    ),
}
