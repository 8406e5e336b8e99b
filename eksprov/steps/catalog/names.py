"""What the steps and resources of a stack are called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from eksprov.core.names import CLUSTER as CLUSTER
from eksprov.core.names import last_part
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config


VPC, INTERNET, LOGS = "vpc", "internet-gateway", "log-group"
NODE_ENTRY = "node-access-entry/node"  # before the node groups
KEY = "kms-key"
EXISTING_VPC = "existing-vpc"
EGRESS_ONLY = "egress-only-internet-gateway"


def cluster_name(config: Config) -> str:
    """The cluster is called like its stack."""
    return config.name


def has_auto_mode(config: Config) -> bool:
    """Whether EKS Auto Mode makes the nodes, or more of them beside node groups."""
    return config.autoscaler == "auto-mode"


def bucket_name(config: Config, settled: Settled) -> str:
    """Bucket names are the whole partition's, hence account and region; at most 63 characters."""
    return f"{config.name}-models-{settled.account}-{settled.region}"


def vpc(config: Config) -> str:
    """The step of the VPC, made here or existing."""
    return EXISTING_VPC if config.network.vpc_id else VPC


def subnets(config: Config, settled: Settled, side: str) -> tuple[str, ...]:
    """The steps of the "public" or "private" subnets; there may be no public ones.

    Those of an existing VPC have names of their own: a stack that is moved to one still finds what it made before.
    """
    network = config.network
    if network.vpc_id:
        existing = network.subnet_ids if side == "private" else network.public_subnet_ids
        return tuple(f"existing-subnet/{side}-{number}" for number in range(1, len(existing) + 1))
    if side == "public" and not network.has_public_side:
        return ()
    return tuple(f"subnet/{side}-{number}" for number in range(1, len(settled.zones) + 1))


def access_name(principal: str) -> str:
    """The last part of the principal's ARN, and of its hash: two paths may end alike."""
    return f"access-entry/{last_part(principal)}-{hashlib.sha256(principal.encode()).hexdigest()[:6]}"
