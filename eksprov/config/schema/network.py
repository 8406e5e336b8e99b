"""The `network` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eksprov.config.schema.base import ZONE_ID, Cidr, Section


class Network(Section):
    """The VPC that eksprov makes: one public and one private subnet a zone, one NAT gateway or one a zone."""

    vpc_cidr: Cidr = Field("10.0.0.0/16", description="IPv4 range of the VPC, /16 to /24.")
    availability_zones: int = Field(2, ge=2, le=6, description="How many zones get subnets; EKS needs two.")
    exclude_zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] = Field(
        (), description="Zone ids never used, beside those EKS cannot use (use1-az3, usw1-az2, cac1-az3)."
    )
    nat_gateways: Literal["single", "per_zone"] = Field(
        "single", description="One NAT gateway for all zones (cheap), or one in each (survives a zone's loss)."
    )
