"""The `iam` section: what a company's rules ask of the roles, and roles that exist and are only used."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from eksprov.config.schema.base import BOUNDARY, ROLE, ROLE_PATH, Section

RoleArn = Annotated[str, Field(pattern=ROLE, max_length=2048)]
OWN_PATH: Final = "/eksprov/"


class Roles(Section):
    """Roles of yours, by purpose: looked up and checked, never changed; unset: eksprov makes one."""

    cluster: RoleArn | None = Field(None, description="The control plane's.")
    node: RoleArn | None = Field(
        None, description="The nodes' of node_groups, and of what karpenter launches where it is the autoscaler."
    )
    auto_node: RoleArn | None = Field(
        None, description="Of nodes that EKS Auto Mode makes; it must have no path (be at /)."
    )
    vpc_cni: RoleArn | None = Field(None, description="The VPC CNI's, taken through EKS Pod Identity.")
    cluster_autoscaler: RoleArn | None = Field(
        None, description="The Cluster Autoscaler's, taken through EKS Pod Identity."
    )
    karpenter: RoleArn | None = Field(
        None, description="The controller's of karpenter, taken through EKS Pod Identity; its nodes have another."
    )


class Iam(Section):
    """The roles: where they are, what bounds them, and which of them exist already."""

    permissions_boundary: str | None = Field(
        None,
        pattern=BOUNDARY,
        max_length=2048,
        description="ARN of a managed policy that bounds every role eksprov makes; none takes a boundary off again; "
        "unset: boundaries are left as they are.",
    )
    role_path: str = Field(
        OWN_PATH,
        pattern=ROLE_PATH,
        max_length=512,
        description="The path of the roles eksprov makes, like /teams/ml/; create-only. The role of EKS Auto Mode's "
        "nodes is always at /.",
    )
    roles: Roles = Field(Roles(), description="Roles that exist, by ARN, to be used and never changed.")

    @property
    def boundary_arn(self) -> str:
        """The policy that bounds every role; empty where there is none, or none is to be."""
        said = self.permissions_boundary or ""
        return said if said.startswith("arn:") else ""
