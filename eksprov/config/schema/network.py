"""The `network` section: a VPC that is made, or one that exists and is only used."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from eksprov.config.schema.base import ENDPOINT_SERVICE, SUBNET_ID, VPC_ID, ZONE_ID, Cidr, Section

# What nodes cannot join without where there is no way to the internet: the node's DNS name (ec2), the images of the
# add-ons (ecr, and s3 for their layers), the CNI's role through pod identity (eks-auth).
# https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
NEEDED_ENDPOINTS: Final = ("ec2", "ecr.api", "ecr.dkr", "eks-auth", "s3")
# The rest of that page's table: logs, load balancers, roles for service accounts, node management, autoscaling.
USUAL_ENDPOINTS: Final = (*NEEDED_ENDPOINTS, "autoscaling", "eks", "elasticloadbalancing", "logs", "ssm", "sts")

VpcId = Annotated[str, Field(pattern=VPC_ID)]
SubnetId = Annotated[str, Field(pattern=SUBNET_ID)]


class Network(Section):
    """The VPC: one public and one private subnet a zone, with NAT gateways or private endpoints; or one that exists."""

    vpc_cidr: Cidr = Field("10.0.0.0/16", description="IPv4 range of the VPC, /16 to /24.")
    ip_family: Literal["ipv4", "ipv6"] = Field(
        "ipv4",
        description="The addresses of pods and Services; create-only. With ipv6, nodes have both.",
    )
    availability_zones: int = Field(2, ge=2, le=6, description="How many zones get subnets; EKS needs two.")
    exclude_zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] = Field(
        (), description="Zone ids never used, beside those EKS cannot use (use1-az3, usw1-az2, cac1-az3)."
    )
    nat_gateways: Literal["none", "single", "per_zone"] = Field(
        "single",
        description="One NAT gateway for all zones (cheap), one in each (survives a zone's loss), or none: then there "
        "are no public subnets either, and nodes need private_endpoints.",
    )
    private_endpoints: bool = Field(
        False,
        description="Whether nodes reach AWS by endpoints inside the VPC: ec2, ecr.api, ecr.dkr, eks-auth, s3, "
        "autoscaling, eks, elasticloadbalancing, logs, ssm, sts. Each but s3 costs by the hour and zone.",
    )
    endpoints: tuple[Annotated[str, Field(pattern=ENDPOINT_SERVICE)], ...] = Field(
        (), max_length=40, description="Further services with an endpoint in the VPC, like kms or sqs."
    )
    vpc_id: VpcId | None = Field(
        None, description="A VPC that exists, to be used and never changed; unset: eksprov makes one."
    )
    subnet_ids: tuple[SubnetId, ...] = Field(
        (), max_length=16, description="With vpc_id: its private subnets for control plane and nodes, in two zones."
    )
    public_subnet_ids: tuple[SubnetId, ...] = Field(
        (), max_length=16, description="With vpc_id: its public subnets, for load balancers; may be empty."
    )

    @property
    def endpoint_services(self) -> tuple[str, ...]:
        """Every service that gets an endpoint, each once."""
        usual = USUAL_ENDPOINTS if self.private_endpoints else ()
        return tuple(dict.fromkeys((*usual, *self.endpoints)))

    @property
    def ipv6(self) -> bool:
        """Whether pods and Services get IPv6 addresses."""
        return self.ip_family == "ipv6"

    @property
    def has_public_side(self) -> bool:
        """Whether the VPC that is made has public subnets and an internet gateway: only NAT gateways need them."""
        return self.nat_gateways != "none"
