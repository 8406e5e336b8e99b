"""What the steps and resources of a stack are called."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from eksprov.core.step import Step
from eksprov.steps.choices import Choices

if TYPE_CHECKING:
    from eksprov.config.schema import Config


AnyStep = Step[Any, Any]

VPC, INTERNET, LOGS, CLUSTER = "vpc", "internet-gateway", "log-group", "cluster"


def cluster_name(config: Config) -> str:
    """The cluster is called like its stack."""
    return config.name


def bucket_name(config: Config, choices: Choices) -> str:
    """Bucket names are the whole partition's, hence account and region; at most 63 characters."""
    return f"{config.name}-models-{choices.account}-{choices.region}"


def subnets(choices: Choices, side: str) -> tuple[str, ...]:
    """The steps of the "public" or "private" subnets."""
    return tuple(f"subnet/{side}-{number}" for number in range(1, len(choices.zones) + 1))


def access_name(principal: str) -> str:
    """The last part of the principal's ARN, and of its hash: two paths may end alike."""
    return f"access-entry/{principal.rsplit('/', 1)[-1]}-{hashlib.sha256(principal.encode()).hexdigest()[:6]}"
