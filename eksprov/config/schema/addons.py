"""The `addons` section."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from eksprov.config.schema.base import ADDON, BUCKET, ROLE, Section

RoleArn = Annotated[str, Field(pattern=ROLE, max_length=2048)]
Bucket = Annotated[str, Field(pattern=BUCKET)]


class Addon(Section):
    """An EKS add-on beyond, or settings for, the five that every stack gets."""

    name: str = Field(pattern=ADDON, max_length=100, description="The add-on's name.")
    version: str | None = Field(
        None, min_length=1, max_length=64, description="A version to be pinned, like v1.63.1-eksbuild.1."
    )
    version_policy: Literal["pinned", "newest_compatible", "default"] | None = Field(
        None,
        description="Which version: pinned (that of `version`), the newest EKS lists for the cluster's Kubernetes, or "
        "EKS's default for it. Unset: pinned where `version` is set, else default. A version once made is kept; "
        "provision --upgrade-addons moves those that are not pinned.",
    )
    configuration: dict[str, Any] = Field(
        default_factory=dict,
        description="Values in the add-on's own schema (aws eks describe-addon-configuration shows it), checked "
        "before anything is made; top-level keys that are not set here are left as they are.",
    )
    resolve_conflicts: Literal["none", "overwrite", "preserve"] = Field(
        "overwrite",
        description="When others changed what the add-on manages: fail, take it back, or on updates leave it.",
    )
    pod_identity_roles: dict[str, RoleArn] | None = Field(
        None,
        max_length=20,
        description="Roles of yours by service account, through EKS Pod Identity; {}: none. Unset: where eksprov knows "
        "what the add-on needs, it makes a role with no more rights than that.",
    )
    service_account_role_arn: RoleArn | None = Field(
        None, description="A role of yours through IRSA, instead of pod_identity_roles."
    )
    s3_buckets: tuple[Bucket, ...] = Field(
        (),
        max_length=20,
        description="Buckets that aws-mountpoint-s3-csi-driver may read and write; empty: read the models' bucket.",
    )
    preserve_on_delete: bool = Field(
        False, description="Whether its software stays in the cluster when the add-on leaves this file."
    )
