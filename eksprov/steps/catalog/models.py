"""What a model needs of AWS beside its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eksprov.steps import roles
from eksprov.steps.catalog.names import CLUSTER, bucket_name, cluster_name
from eksprov.steps.choices import Choices
from eksprov.steps.iam_role import IamRole
from eksprov.steps.pod_identity_association import PodIdentityAssociation

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def model_role(config: Config, choices: Choices, model: str) -> IamRole:
    """The role of a model's pods."""
    return roles.model_role(config.name, choices, model, bucket_name(config, choices))


def model_association(config: Config, model: str, namespace: str, service_account: str) -> PodIdentityAssociation:
    """The bond between a model's service account and its role."""
    role = f"model/{model}/role"
    return PodIdentityAssociation(
        name=f"model/{model}/pod-identity",
        slug=f"{cluster_name(config)}/{namespace}/{service_account}",
        role=role,
        needs=(role, CLUSTER),
    )
