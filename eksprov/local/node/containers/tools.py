"""What a pod's run needs from around it, in one frozen value: clients, tables, clock. Made by the agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from eksprov.local.contract import AwsSide, Json, NodeSpec
from eksprov.local.node.containers.backoff import BASE_S
from eksprov.local.node.containers.identity import CredentialEndpoint, PodName
from eksprov.local.node.containers.images import Recognised
from eksprov.local.node.containers.processes import ProcessTable
from eksprov.local.node.events import EventRecorder
from eksprov.local.node.network import AddressPool, DialTable
from eksprov.local.node.rest import KubeRest


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Tools:
    """Collaborators shared by all pods of a cluster."""

    rest: KubeRest
    events: EventRecorder
    dial: DialTable
    addresses: AddressPool
    processes: ProcessTable
    identity: CredentialEndpoint
    aws: AwsSide
    web: aiohttp.ClientSession
    folder: Path
    recognise: Callable[[str], Recognised]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    backoff_s: float = BASE_S


@dataclass
class Scene:
    """One pod as its containers see it: the newest object, its node, address and folders."""

    pod: Json
    node: NodeSpec
    address: str
    folder: Path
    volumes: dict[str, Path]

    @property
    def who(self) -> PodName:
        """The pod's name and service account."""
        metadata = self.pod["metadata"]
        account = self.pod["spec"].get("serviceAccountName", "default")
        return PodName(metadata["namespace"], account, metadata["name"])

    @property
    def status(self) -> dict[str, str]:
        """What the downward API may ask of the status."""
        return {"podIP": self.address, "hostIP": self.node.private_ip}

    @property
    def grace_s(self) -> float:
        """Seconds between SIGTERM and SIGKILL."""
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30))

    @property
    def full_name(self) -> str:
        """The kubelet's way to name a pod in messages."""
        metadata = self.pod["metadata"]
        return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
