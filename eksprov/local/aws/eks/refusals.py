"""EKS's exceptions, with the members their models name, and its words for what is missing or taken."""

from __future__ import annotations

from typing import Any

from eksprov.local.aws.refusal import Refusal


def not_found(message: str, **members: Any) -> Refusal:
    return Refusal("ResourceNotFoundException", message, 404, **members)


def in_use(message: str, **members: Any) -> Refusal:
    """ResourceInUseException: taken, or in motion."""
    return Refusal("ResourceInUseException", message, 409, **members)


def invalid(message: str, **members: Any) -> Refusal:
    """InvalidParameterException: the request can never be accepted as it is, or names something not there yet."""
    return Refusal("InvalidParameterException", message, 400, **members)


def not_now(message: str, **members: Any) -> Refusal:
    """InvalidRequestException: the state of the resource does not allow it."""
    return Refusal("InvalidRequestException", message, 400, **members)


def bad_state(message: str, **members: Any) -> Refusal:
    """InvalidStateException: readiness checks, or the state of an update, forbid it."""
    return Refusal("InvalidStateException", message, 400, **members)


def no_cluster(name: str) -> Refusal:
    """The cluster does not exist."""
    return not_found(f"No cluster found for name: {name}.", clusterName=name)


def no_nodegroup(name: str, cluster: str) -> Refusal:
    """The node group does not exist."""
    return not_found(f"No node group found for name: {name}.", clusterName=cluster, nodegroupName=name)


def no_addon(name: str, cluster: str) -> Refusal:
    """The add-on is not in the cluster."""
    return not_found(f"No addon: {name} found in cluster: {cluster}", clusterName=cluster, addonName=name)


def not_active(name: str) -> Refusal:
    """The cluster is in motion."""
    return not_now(f"Cluster '{name}' is not in ACTIVE status", clusterName=name)
