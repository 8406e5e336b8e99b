"""What a model needs of AWS beside its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eksprov.core.names import ServiceAccount, model_step
from eksprov.steps.catalog.given import made
from eksprov.steps.catalog.names import CLUSTER, bucket_name, cluster_name
from eksprov.steps.identity import roles
from eksprov.steps.identity.existing_role import ExistingRole, lent
from eksprov.steps.identity.iam_role import IamRole
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def model_role(config: Config, settled: Settled, model: str) -> IamRole | ExistingRole:
    """The role of a model's pods, made or existing."""
    role = roles.model_role(config.name, settled, model, bucket_name(config, settled))
    arn = next((one.role_arn for one in config.models if one.name == model), None)
    return lent(role, model_step(model, "existing-role"), arn) if arn else made(config, role)


def model_association(config: Config, model: str, namespace: str, service_account: str) -> PodIdentityAssociation:
    """The association between a model's service account and its role."""
    given = any(one.name == model and one.role_arn for one in config.models)
    role = model_step(model, "existing-role" if given else "role")
    return PodIdentityAssociation(
        name=model_step(model, "pod-identity"),
        slug=str(ServiceAccount(cluster_name(config), namespace, service_account)),
        role=role,
        needs=(role, CLUSTER),
    )
