"""The AWS a run talks to: one Session, clients made once, who we are, and whose run it is.

Botocore's own retries cover throttling and broken connections (standard mode). `once` is the same service with a
single attempt, for creates that AWS cannot recognise when they are sent again: botocore re-sends without looking at
idempotency, so a lost CreateVpc answer would leave up to three VPCs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from eksprov.aws.clients import MAX_ATTEMPTS, Clients
from eksprov.aws.inventory import Inventory
from eksprov.aws.tags import owner_tags
from eksprov.core.convergence.pace import Clock
from eksprov.core.step import Owner

T = TypeVar("T")


def _to_nobody(text: str) -> None:
    """Drops a note: nobody waits to be told."""


@dataclass(frozen=True)
class Identity:
    """Who calls AWS, as STS says it."""

    account: str  # twelve digits
    arn: str  # as STS says it
    partition: str  # like "aws" or "aws-cn"


@dataclass(frozen=True)
class Aws:
    """What an AWS step is handed."""

    clients: Clients  # which send a failed request again
    once: Clients  # which send a request once, for calls without an idempotency token
    region: str
    owner: Owner  # to be written into tags
    clock: Clock
    inventory: Inventory  # listings that the steps of a run share
    extra_tags: tuple[tuple[str, str], ...] = ()  # the config's, key and value
    speed: float = 1.0  # how many times faster than real AWS the world is; 1.0: AWS itself
    tell: Callable[[str], object] = _to_nobody  # shows people what a call waits for, in a line

    def __post_init__(self) -> None:
        """Whoever owns what is made here owns it in this region."""
        object.__setattr__(self, "owner", replace(self.owner, region=self.region))

    @classmethod
    def connect(
        cls,
        session: Any,
        owner: Owner,
        clock: Clock,
        *,
        endpoint_url: str | None = None,
        extra_tags: tuple[tuple[str, str], ...] = (),
        speed: float = 1.0,
    ) -> Aws:
        return cls(
            clients=Clients(session, attempts=MAX_ATTEMPTS, endpoint_url=endpoint_url),
            once=Clients(session, attempts=1, endpoint_url=endpoint_url),
            region=session.region_name,
            owner=owner,
            clock=clock,
            inventory=Inventory(),
            extra_tags=extra_tags,
            speed=speed,
        )

    def owned_by(self, owner: Owner) -> Aws:
        """The same AWS, with the stack id now known."""
        return replace(self, owner=owner)

    def tags(self, step: str, name: str = "") -> dict[str, str]:
        """The tags of a step's resource; `name` becomes the Name tag, which consoles show."""
        return {**dict(self.extra_tags), **owner_tags(self.owner, step, name)}

    def retag(
        self, service: str, name: str, have: Mapping[str, str], put: Mapping[str, str], drop: tuple[str, ...]
    ) -> None:
        """Set `put` and take off `drop` on the resource that `service` knows as `name`, which bears `have` now."""
        from eksprov.aws.tagging import retag

        retag(self.clients, service, name, have, put, drop)

    def identity(self) -> Identity:
        """Ask STS who calls. Raises: AccessError when there are no usable credentials."""
        from eksprov.aws.faults import translated

        with translated("find out who calls AWS"):
            answer = self.clients.sts.get_caller_identity()
        return Identity(answer["Account"], answer["Arn"], answer["Arn"].split(":")[1])

    def listing(self, key: str, load: Callable[[], T], *, fresh: bool = False) -> T:
        """The run's shared listing `key`, loaded once; `fresh` loads anew (for a proof)."""
        return self.inventory.listing(key, load, fresh=fresh)
