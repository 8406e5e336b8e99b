"""One look-up for each sort of thing that a config can name: what is wrong with it and what to do, or None.

Roles: a name is unique in an account whatever its path, and GetRole tells the path, which EKS wants in a principal's
ARN (https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html). Keys: EKS and EBS take symmetric
keys of their own region (https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html). Node images: each release
has public parameters under its own name, as Karpenter reads them
(https://github.com/aws/karpenter-provider-aws/tree/main/pkg/providers/amifamily, al2023.go and bottlerocket.go).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from eksprov.aws.faults import code
from eksprov.aws.session import Aws, Identity
from eksprov.core.names import last_part
from eksprov.steps.absent import none_if
from eksprov.steps.network.vpc_endpoint import full_names
from eksprov.steps.node_groups.facts import NodeGroupFacts
from eksprov.steps.node_groups.releases import PARAMETERS, image_parameter

AL2023_RELEASE = re.compile(r"(1\.\d+)\.\d+-(\d{8})")
BOTTLEROCKET_RELEASE = re.compile(r"(\d+\.\d+\.\d+)(-[0-9a-z]+)?")
Wrong = tuple[str, str] | None


@dataclass(frozen=True)
class Asked:
    """What a look-up may go by: the account, the value and the section of the config that it stands in.

    `images` has the image type of each node group, `live` what is there of it, by the group's name.
    """

    aws: Aws
    identity: Identity
    kubernetes: str
    images: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, NodeGroupFacts | None] = field(default_factory=dict)
    value: str = ""
    section: Any = None

    def about(self, value: str, section: Any) -> Asked:
        """The same for a look-up of this value, which stands in this section of the config."""
        return replace(self, value=value, section=section)


def principal(asked: Asked) -> Wrong:
    """An IAM role or user of this account, by its full ARN."""
    _, _, _, _, account, resource = asked.value.split(":", 5)
    what, name = resource.split("/", 1)[0], last_part(resource)
    if account != asked.identity.account:
        there = f"is of account {account}, and this stack is in {asked.identity.account}"
        return f"{asked.value} {there}", "name a role or user of this account"
    iam = asked.aws.clients.iam
    if what == "role":
        found = none_if(lambda: iam.get_role(RoleName=name)["Role"]["Arn"], "NoSuchEntity")
    else:
        found = none_if(lambda: iam.get_user(UserName=name)["User"]["Arn"], "NoSuchEntity")
    if found is None:
        return f"there is no {what} {name!r} in account {account}", f"correct the ARN, or make the {what} first"
    if found != asked.value:
        return f"the {what} {name!r} is {found}, not {asked.value}", f"write {found}, its path and all"
    return None


def key(asked: Asked) -> Wrong:
    """A KMS key of this region that can encrypt and decrypt."""
    if asked.value in ("none", "own"):
        return None
    region, cure = asked.value.split(":")[3], "name a symmetric key of this region that is enabled"
    if region != asked.aws.region:
        return f"the key {asked.value} lies in {region}, and the stack in {asked.aws.region}", cure
    found = none_if(lambda: asked.aws.clients.kms.describe_key(KeyId=asked.value), "NotFoundException")
    if found is None:
        return f"there is no key {asked.value}", cure
    data = found["KeyMetadata"]
    if data.get("KeyState", "Enabled") != "Enabled":
        return f"the key {asked.value} is {data['KeyState']}", "enable it (or call off its deletion), or name another"
    if data.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        return f"the key {asked.value} is not symmetric but {data['KeySpec']}", cure
    return None


def release(asked: Asked) -> Wrong:
    """A node group's release: of the group's Kubernetes version, and one that AWS has published."""
    have, ami_type = asked.live.get(asked.section.name), asked.images.get(asked.section.name, "")
    if have is not None and have.release == asked.value:
        return None
    kubernetes = (have.version if have is not None else "") or asked.kubernetes
    bottlerocket = ami_type.startswith("BOTTLEROCKET")
    found = (BOTTLEROCKET_RELEASE if bottlerocket else AL2023_RELEASE).fullmatch(asked.value)
    newest = f"leave release_version out for the newest of Kubernetes {kubernetes}, or correct it"
    if found is None:
        form = "1.30.0-1a2b3c4d" if bottlerocket else f"{kubernetes}.0-20260801"
        return f"{asked.value!r} is no release of the image {ami_type}, which look like {form}", newest
    if not bottlerocket and found[1] != kubernetes:
        return (
            f"release {asked.value} is of Kubernetes {found[1]}, and the group's nodes are to run {kubernetes}",
            newest,
        )
    version = found[1] if bottlerocket else f"v{found[2]}"
    return _published(asked, {ami_type}, kubernetes, version, newest)


def image(asked: Asked) -> Wrong:
    """A pool's release: one that AWS has published, whatever the nodes' architecture."""
    if asked.value == "latest":
        return None
    kinds = {"AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD"}
    if asked.section.ami_family == "bottlerocket":
        kinds = {"BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64"}
    version = asked.value if asked.section.ami_family == "al2023" else asked.value.removeprefix("v")
    return _published(asked, kinds, asked.kubernetes, version, "write latest, or a release that there is")


def _published(asked: Asked, ami_types: set[str], kubernetes: str, version: str, cure: str) -> Wrong:
    names = [image_parameter(kind, kubernetes, version) for kind in sorted(ami_types & PARAMETERS.keys())]
    if not names or asked.aws.clients.ssm.get_parameters(Names=names)["Parameters"]:
        return None
    return f"AWS has published no node image {version} for Kubernetes {kubernetes} (there is no {names[0]})", cure


def endpoint_service(asked: Asked) -> Wrong:
    """What is wrong, unless the value is a service that has endpoints in this region."""
    names, ec2 = full_names(asked.aws.region, asked.value), asked.aws.clients.ec2
    for name in names:
        ask = partial(ec2.describe_vpc_endpoint_services, ServiceNames=[name])
        found = none_if(ask, "InvalidServiceName")
        if found is not None and name in found["ServiceNames"]:
            return None
    return f"there is no endpoint service {names[0]}", "see which there are: aws ec2 describe-vpc-endpoint-services"


def zone(asked: Asked) -> Wrong:
    """What is wrong, unless the value is an availability zone of this region."""
    zones = asked.aws.listing("ec2/all-zones", lambda: _zones(asked.aws))
    if asked.value in zones:
        return None
    return f"{asked.aws.region} has no zone {asked.value}", f"its zones are {', '.join(sorted(zones))}"


def _zones(aws: Aws) -> frozenset[str]:
    return frozenset(each["ZoneId"] for each in aws.clients.ec2.describe_availability_zones()["AvailabilityZones"])


def bucket(asked: Asked) -> Wrong:
    """A bucket that is there. Raises: ClientError where somebody else's may not be looked at."""
    from botocore.exceptions import ClientError

    try:
        asked.aws.clients.s3.head_bucket(Bucket=asked.value)
    except ClientError as error:
        if code(error) not in ("404", "NoSuchBucket"):
            raise
        return f"there is no bucket {asked.value!r}", "correct its name, or make it first"
    return None


def topic(asked: Asked) -> Wrong:
    """An SNS topic of this region: CloudWatch speaks to no other."""
    region = asked.value.split(":")[3]
    if region != asked.aws.region:
        where = f"lies in {region}, and alarms of {asked.aws.region} cannot speak to it"
        return f"the topic {asked.value} {where}", f"name a topic of {asked.aws.region}"
    sns = asked.aws.clients.sns
    found = none_if(lambda: sns.get_topic_attributes(TopicArn=asked.value), "NotFound", "NotFoundException")
    return None if found is not None else (f"there is no topic {asked.value}", "correct its ARN, or make it first")
