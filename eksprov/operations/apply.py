"""Walks steps: workers act, and each outcome is recorded the moment it is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.core.convergence.alternatives import converge_any, remove_all
from eksprov.core.convergence.converge import Run
from eksprov.core.executor import Node, Walk
from eksprov.core.names import is_models
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import nodes, removal_nodes
from eksprov.core.step import AnyStep
from eksprov.kube.api import KubeApi
from eksprov.operations.api_server import ApiServer
from eksprov.operations.blockers import Blockers
from eksprov.operations.ledger import StackLedger
from eksprov.operations.stack import Opened
from eksprov.state.record import State
from eksprov.steps.cluster.cluster import Cluster


class Applier:
    """One run over an opened stack: converge or remove steps, and keep account of it.

    Steps in Kubernetes go to `kube`; where that is None and `opens_api`, to the cluster that this run has brought up.
    """

    def __init__(self, opened: Opened, kube: KubeApi | None = None, *, opens_api: bool = False) -> None:
        self._stack = opened.stack
        self._blockers = Blockers(self._stack.clock, lambda: self._api_server.look(self._ledger.outputs))
        self._ledger = StackLedger(opened, self._blockers.said)
        self._api_server = ApiServer(opened, self._ledger.ended, kube, opens=opens_api)

    @property
    def opened(self) -> Opened:
        """The stack as it was before this run, or before what `forget` has put behind it."""
        return self._ledger.opened

    @property
    def state(self) -> State:
        """The state as it is now."""
        return self._ledger.state

    def converge_all(self, steps: Sequence[AnyStep]) -> list[Outcome]:
        """Bring every step to its wanted state; outcomes in the order they came."""
        for step in steps:
            self._ledger.outputs.drop(step.name)  # a value must come from this run's reading, never from the record
        return self._go(steps, nodes(steps), removing=False)

    def remove_all(
        self, steps: Sequence[AnyStep], extra_waits: Mapping[str, Sequence[str]] | None = None
    ) -> list[Outcome]:
        """Delete every step's resource, dependents first; `extra_waits[a]` must be gone before a."""
        graph = [
            dataclasses.replace(node, needs=(*node.needs, *(extra_waits or {}).get(node.name, ())))
            for node in removal_nodes(steps)
        ]
        return self._go(steps, graph, removing=True)

    def forget(self) -> None:
        """What has been removed is nothing that an earlier run began, and no listing has it any more."""
        self._ledger.forget()
        self.opened.aws.inventory.forget()

    def tagged(self) -> None:
        """Every resource of the infrastructure bears the config's tags; a model's, those of its last deployment."""
        models = any(is_models(name) for name in self.state.steps)
        tags = {**(self.state.tags if models else {}), **self._stack.config.tags}
        if tags != self.state.tags:
            self._ledger.state = self.state.with_tags(tags)
            self.save()

    def correct(self, outcome: Outcome) -> None:
        """Record what has been found out about a step since it was done."""
        self._ledger.record(outcome, removing=False)

    def save(self) -> None:
        """Write the state as it is now."""
        self._ledger.save()

    def _go(self, steps: Sequence[AnyStep], graph: Sequence[Node], *, removing: bool) -> list[Outcome]:
        heard, ledger = list[Outcome](), self._ledger

        def hear(outcome: Outcome) -> None:
            if not (ledger.steps[outcome.name].traits.silent and outcome.status is Status.UNCHANGED):
                heard.append(outcome)
            ledger.record(outcome, removing=removing)
            self._stack.progress.finished(outcome)

        walk = Walk(
            graph, lambda name: self._act(name, removing=removing), hear, self._stack.stopped, self._stack.channel()
        )
        ledger.follow(steps, walk.post)
        speed = self._stack.aws.speed
        ahead = [dataclasses.replace(node, expected_s=node.expected_s / speed) for node in graph]
        settled = () if removing else tuple(filter(ledger.was_there, ledger.steps))
        self._stack.progress.planned(ahead, settled)
        walk.run(self._stack.pool, self._stack.workers)
        ledger.settle(outcome.name for outcome in heard if outcome.good)
        return heard

    def _act(self, name: str, *, removing: bool) -> Outcome:
        step, clock, outputs = self._ledger.steps[name], self._stack.clock, self._ledger.outputs
        self._stack.progress.started(name)
        began = clock.now()
        with translated(f"{'remove' if removing else 'converge'} {name}"):
            if self.opened.strange_cluster and (not self.opened.asks(step) or isinstance(step, Cluster)):
                return self._beside_a_stranger(step, removing=removing)
            client = self._aws(name) if step.world == "aws" else self._kube(name)
            if client is None:  # the cluster is gone, and every object in it with it
                return Outcome(name, Status.ABSENT, message="its cluster does not exist")
            run = self._run(client)
            try:
                outcome = remove_all(step, run) if removing else converge_any(step, outputs, run)
            except errors.WaitTimeoutError as late:
                why = self._blockers.now(step)
                raise errors.WaitTimeoutError("; ".join(filter(None, (late.message, why))), late.hint) from late
        return dataclasses.replace(outcome, seconds=clock.now() - began)

    def _aws(self, name: str) -> Aws:
        """AWS, which tells what a call of this step waits for."""
        return dataclasses.replace(self.opened.aws, tell=lambda text: self._stack.progress.waiting(name, text))

    def _beside_a_stranger(self, step: AnyStep, *, removing: bool) -> Outcome:
        """Nothing of this stack was ever made in it. Raises: OwnershipError where something was to be."""
        said = f"cluster {self.opened.strange_cluster} is not this stack's; it was left alone"
        if removing:
            return Outcome(step.name, Status.ABSENT, message=said)
        raise errors.OwnershipError(
            f"{step.name}: {said}", "choose another stack name, or remove that cluster yourself"
        )

    def _kube(self, name: str) -> KubeApi | None:
        return self._api_server.client(self._ledger.outputs, lambda text: self._stack.progress.waiting(name, text))

    def _run(self, client: Aws | KubeApi) -> Run[Any]:
        return Run(
            owner=self.opened.us,
            clock=self._stack.clock,
            client=client,
            ledger=self._ledger,
            speed=self._stack.aws.speed,
            tags=self.opened.tags,
            first_choice=self.opened.first_choice,
        )
