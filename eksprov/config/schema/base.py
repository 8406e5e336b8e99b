"""What all sections of the schema are made of: the grammars of names, in patterns and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NAME: Final = r"^[a-z]([a-z0-9-]{0,26}[a-z0-9])?$"
CIDR: Final = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
ANY_CIDR: Final = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-f:]{2,39}/[0-9]{1,3})$"
DNS_LABEL: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
VPC_ID: Final = r"^vpc-[0-9a-f]{8}([0-9a-f]{9})?$"
SUBNET_ID: Final = r"^subnet-[0-9a-f]{8}([0-9a-f]{9})?$"
ENDPOINT_SERVICE: Final = r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*$"
ZONE_ID: Final = r"^[a-z]{2,5}[0-9]{1,2}-az[0-9]{1,2}$"
INSTANCE_TYPE: Final = r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"
INSTANCE_FAMILY: Final = r"^[a-z][a-z0-9-]*$"
AMI_VERSION: Final = r"^(latest|v[0-9]{8}|v[0-9]+\.[0-9]+\.[0-9]+)$"
PRINCIPAL: Final = r"^arn:aws[a-z-]*:(iam::[0-9]{12}:(role|user)|sts::[0-9]{12}:assumed-role)/.+$"
REGION: Final = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"
VERSION: Final = r"^1\.[0-9]{2}$"
ROLE: Final = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"
BOUNDARY: Final = r"^(none|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+)$"
ROLE_PATH: Final = r"^/([A-Za-z0-9_+=,.@-]+/)*$"
BUCKET: Final = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
EMAIL: Final = r"^[^@\s]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
TOPIC: Final = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$"
ADDON: Final = r"^[a-z0-9][a-z0-9-]*$"
KMS_KEY: Final = r"^(none|own|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64})$"
RESERVATION: Final = r"^cr-[0-9a-f]{8,17}$"
DISK_KEY: Final = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}$"
S3_URL: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?$"

PATTERNS_IN_WORDS: Final[Mapping[str, str]] = {
    NAME: "lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 28 characters",
    CIDR: "an IPv4 range like 10.0.0.0/16",
    ANY_CIDR: "an IPv4 or IPv6 range like 81.2.69.0/24 or 2001:db8::/32",
    DNS_LABEL: "lower-case letters, digits and hyphens, no hyphen first or last, at most 63 characters",
    ZONE_ID: "a zone id like usw2-az1 (not a zone name like us-west-2a)",
    VPC_ID: "a VPC's id like vpc-0a1b2c3d4e5f60718",
    SUBNET_ID: "a subnet's id like subnet-0a1b2c3d4e5f60718",
    ENDPOINT_SERVICE: "the last part of an endpoint service's name, like ecr.api of com.amazonaws.us-west-2.ecr.api",
    INSTANCE_TYPE: "an EC2 instance type like m7i.large",
    INSTANCE_FAMILY: "a family of EC2 instance types like m7i",
    AMI_VERSION: "latest, or a release like v20260801 (al2023) or v1.30.0 (bottlerocket)",
    PRINCIPAL: "the ARN of an IAM role or user like arn:aws:iam::111122223333:role/admin",
    REGION: "an AWS region like us-west-2",
    VERSION: 'a Kubernetes minor version in quotes like "1.35"',
    ROLE: "the ARN of an IAM role like arn:aws:iam::111122223333:role/storage",
    BOUNDARY: "none, or the ARN of a managed policy like arn:aws:iam::111122223333:policy/boundary",
    ROLE_PATH: "a path that begins and ends with /, of letters, digits and _+=,.@-, like /teams/ml/",
    BUCKET: "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
    EMAIL: "an e-mail address like ops@example.com",
    TOPIC: "the ARN of an SNS topic like arn:aws:sns:us-west-2:111122223333:ops",
    ADDON: "an EKS add-on's name like aws-ebs-csi-driver",
    KMS_KEY: "none, own, or a key's ARN like "
    "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    RESERVATION: "a capacity reservation's id like cr-0123456789abcdef0",
    DISK_KEY: "a KMS key's ARN like arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    S3_URL: "a bucket and, if wanted, a prefix in it like s3://our-bucket/eksprov",
}

# Our own limits: "<stack>-cluster" and all derived names stay inside EKS's 100, IAM's 64 and S3's 63 characters.
Name = Annotated[str, Field(pattern=NAME)]
Cidr = Annotated[str, Field(pattern=CIDR)]
AnyCidr = Annotated[str, Field(pattern=ANY_CIDR)]
Namespace = Annotated[str, Field(pattern=DNS_LABEL)]
TagKey = Annotated[str, Field(min_length=1, max_length=128)]
TagValue = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(ge=0, le=450)]  # 450 nodes a managed node group is the EKS quota's default
# What CloudWatch Logs takes, https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LogDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]
LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


class Section(BaseModel):
    """A mapping of the config file: unknown keys are refused, values are not converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
