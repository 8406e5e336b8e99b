"""An emulated account for tests of the network kinds, and what a run brings to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import boto3

from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import Run, converge, remove
from eksprov.core.outcome import Outcome
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.core.tagging import NO_TAGS, Tags
from support.calls import Tape
from support.cheaper import make_requests_cheaper
from support.clock import VirtualClock
from support.memory_ledger import MemoryLedger

US = Owner("demo", "5ac1a1d5ac1a1d00", region="us-west-2")
REGION = "us-west-2"


class Account:
    """One boto3 session whose calls are on tape, and plain clients beside it that are not, in one region."""

    def __init__(self, region: str = REGION) -> None:
        make_requests_cheaper()
        self.region, self.tape = region, Tape()
        self._session = boto3.Session("testing", "testing", region_name=region)
        self.tape.listen(self._session)
        self._plain: Any = boto3.Session("testing", "testing", region_name=region)
        self._clients: dict[str, Any] = {}
        self._first = Aws.connect(self._session, US, VirtualClock())

    def plain(self, service: str) -> Any:
        """A client that nobody listens to."""
        if service not in self._clients:
            self._clients[service] = self._plain.client(service)
        return self._clients[service]

    def aws(self, owner: Owner = US, **more: Any) -> Aws:
        """What a new process would have: the same endpoint, nothing remembered (clients alone are shared)."""
        first = self._first
        from eksprov.aws.inventory import Inventory

        fields = {"clock": VirtualClock(), "inventory": Inventory(), "owner": owner, **more}
        return Aws(clients=first.clients, once=first.once, region=self.region, **fields)


def run_of(aws: Aws, generation: int = 0, tags: Tags = NO_TAGS) -> Run[Aws]:
    """A run with tokens as the state derives them, of a step's incarnation `generation` and those after it."""
    return Run(aws.owner, aws.clock, aws, Tokens(aws.owner.stack_id, generation), tags=tags)


class Tokens(MemoryLedger):
    """Derives tokens as the state does."""

    def __init__(self, stack_id: str, generation: int) -> None:
        super().__init__()
        self._stack_id, self._generation = stack_id, generation

    def token(self, name: str) -> str:
        generation = self._generation + self.ended[name]
        return hashlib.sha256(f"{self._stack_id}|{name}|{generation}".encode()).hexdigest()


def converge_all(steps: tuple[AnyStep, ...], aws: Aws) -> dict[str, Outcome]:
    """One step after another, in the order given."""
    outputs, outcomes = Outputs(), {}
    for step in steps:
        outcomes[step.name] = converge(step, outputs, run_of(aws))
        outputs.put(step.name, outcomes[step.name].outputs)
    return outcomes


def remove_all(steps: tuple[AnyStep, ...], aws: Aws) -> dict[str, Outcome]:
    """The other way round."""
    return {step.name: remove(step, run_of(aws)) for step in reversed(steps)}


Reading = Callable[[], dict[str, list[str]]]
