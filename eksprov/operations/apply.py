"""Walks steps and records each outcome the moment it is known.

Workers act; this thread alone writes the state. A record that says the same as before is not written again, so a run
that changes nothing writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eksprov import errors
from eksprov.aws.faults import token_is_spent, translated
from eksprov.aws.session import Aws
from eksprov.core.alternatives import bring, take_away
from eksprov.core.converge import Run
from eksprov.core.executor import Walk
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import nodes, removal_nodes
from eksprov.core.step import AnyStep
from eksprov.kube.api import KubeApi
from eksprov.operations.api_server import ApiServer
from eksprov.operations.blockers import Blockers
from eksprov.operations.choosing import choosing
from eksprov.operations.kinds import is_model
from eksprov.operations.stack import Opened
from eksprov.state.journal import Intent
from eksprov.state.record import Record, facts_sha256, fingerprint
from eksprov.steps.cluster import Cluster


class Applier:
    """One run over an opened stack: converge or remove steps, keep state and outputs.

    Steps in Kubernetes go to `kube`; where that is None and `opens_api`, to the cluster that this run has brought up.
    """

    def __init__(self, opened: Opened, kube: KubeApi | None = None, *, opens_api: bool = False) -> None:
        self.opened, self.state = opened, opened.state
        self.outputs = opened.state.outputs
        self._stack = opened.stack
        self._walk: Walk | None = None
        self._steps: dict[str, AnyStep] = {}
        self._ended: dict[str, Outcome] = {}
        self._api_server = ApiServer(opened, self._ended, kube, opens=opens_api)
        self._blockers = Blockers(self._stack.clock, lambda: self._api_server.look(self.outputs))
        self._open_intents = opened.stack.journal.open_intents()

    def converge_all(self, steps: Sequence[AnyStep]) -> list[Outcome]:
        """Bring every step to its wanted state; outcomes in the order they came."""
        for step in steps:
            self.outputs.drop(step.name)  # a value must come from this run's reading, never from the record
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
        self.opened = dataclasses.replace(self.opened, state=self.state)
        self.opened.aws.inventory.forget()

    def tagged(self) -> None:
        """Every resource of the infrastructure bears the config's tags; a model's, those of its last deployment."""
        models = any(is_model(name) for name in self.state.steps)
        tags = {**(self.state.tags if models else {}), **self._stack.config.tags}
        if tags != self.state.tags:
            self.state = self.state.with_tags(tags)
            self.save()

    def correct(self, outcome: Outcome) -> None:
        """Record what has been found out about a step since it was done."""
        self._record(outcome, removing=False)

    def save(self) -> None:
        """Write the state as it is now."""
        self._stack.store.save(self.state)

    def _go(self, steps: Sequence[AnyStep], graph: Sequence[Any], *, removing: bool) -> list[Outcome]:
        self._steps = {step.name: step for step in steps}
        heard: list[Outcome] = []

        def hear(outcome: Outcome) -> None:
            if not (self._steps[outcome.name].silent and outcome.status is Status.UNCHANGED):
                heard.append(outcome)
            self._ended[outcome.name] = outcome
            self._record(outcome, removing=removing)
            self._stack.progress.finished(outcome)

        self._walk = Walk(
            graph, lambda name: self._act(name, removing=removing), hear, self._stack.stopped, self._stack.channel()
        )
        speed = self._stack.aws.speed
        ahead = [dataclasses.replace(node, expected_s=node.expected_s / speed) for node in graph]
        settled = () if removing else tuple(filter(self._was_there, self._steps))
        self._stack.progress.planned(ahead, settled)
        self._walk.run(self._stack.pool, self._stack.workers)
        self._settle(outcome.name for outcome in heard if outcome.good)
        return heard

    def _settle(self, read_back: Iterable[str]) -> None:
        """What has been read back is no longer open."""
        journal = self._stack.journal
        for name in journal.open_intents().keys() & set(read_back):
            journal.landed(name, {})
        journal.clear()

    def _act(self, name: str, *, removing: bool) -> Outcome:
        step, clock = self._steps[name], self._stack.clock
        self._stack.progress.started(name)
        began = clock.now()
        with translated(f"{'remove' if removing else 'converge'} {name}"):
            run = self._run()
            if self.opened.strange_cluster and (not self.opened.asks(step) or isinstance(step, Cluster)):
                return self._beside_a_stranger(step, removing=removing)
            client: Any = self._aws(name) if step.world == "aws" else self._kube(name)
            if client is None:  # the cluster is gone, and every object in it with it
                return Outcome(name, Status.ABSENT, message="its cluster does not exist")
            try:
                outcome = take_away(step, client, run) if removing else bring(step, client, self.outputs, run)
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
        return self._api_server.client(self.outputs, lambda text: self._stack.progress.waiting(name, text))

    def _tell(self, name: str, text: str) -> None:
        step = self._steps.get(name)
        self._stack.progress.waiting(name, self._blockers.said(step, text) if step is not None else text)

    def _run(self) -> Run:
        return Run(
            owner=self.opened.us,
            clock=self._stack.clock,
            speed=self._stack.aws.speed,
            token=lambda name: self.state.token(name),
            note=self._note,
            tell=self._tell,
            intend=self._intend,
            expected=self._expected,
            unsettled=self._unsettled,
            was_there=self._was_there,
            hopeless=self._hopeless,
            gone=self._gone,
            spent=token_is_spent,
            tags=self.opened.tags,
            choosing=choosing(self.opened, self._steps, self._begin),
        )

    def _begin(self, choice: AnyStep) -> None:
        """Record, before anything of it is sent, which choice is begun; waits for the caller's thread."""
        assert self._walk is not None
        recorded = self._stack.channel()

        def record() -> None:
            self.state = self.state.without(choice.name)
            self._steps[choice.name] = choice
            self._put(choice.name, status="creating", change=True)
            recorded.put(choice.name)

        self._walk.post(record)
        recorded.get()

    def _hopeless(self, name: str) -> str:
        """Why a step can no longer become ready: everything that it awaits has failed."""
        awaited = self._steps[name].awaits
        ended = [self._ended[other] for other in awaited if other in self._ended]
        if not awaited or len(ended) < len(awaited) or any(outcome.good for outcome in ended):
            return ""
        return f"{', '.join(outcome.name for outcome in ended)} {'has' if len(ended) == 1 else 'have'} failed"

    def _gone(self, name: str) -> None:
        """Record, before anything is sent again, that an incarnation has ended; waits for the caller's thread."""
        assert self._walk is not None
        recorded = self._stack.channel()

        def record() -> None:
            self.state = self.state.without(name)
            self.save()
            recorded.put(name)

        self._walk.post(record)
        recorded.get()

    def _intend(self, name: str, want: Any) -> None:
        """On the disk before the call: what is about to be sent. Runs on the step's own thread."""
        if self._steps[name].world == "kube":  # an apply is the same however often it is sent, and is seen at once
            return
        generation = self.state.generations.get(name, 0)
        self._stack.journal.intend(Intent(name, "create", generation, self.state.token(name), facts_sha256(want)))

    def _expected(self, name: str) -> bool:
        """Whether a create of this incarnation was sent, or may have been."""
        record = self.opened.state.steps.get(name)
        return self._sent(name) or bool(record and record.outputs)

    def _unsettled(self, name: str) -> bool:
        """Whether a run was cut off between sending a create and reading back what it made."""
        record = self.opened.state.steps.get(name)
        return self._sent(name) or bool(record and record.status == "creating")

    def _was_there(self, name: str) -> bool:
        """Whether an earlier run has read back what it made."""
        record = self.opened.state.steps.get(name)
        return record is not None and record.status == "ready"

    def _sent(self, name: str) -> bool:
        intent = self._open_intents.get(name)
        return intent is not None and intent.token == self.state.token(name)

    def _note(self, name: str, outputs: Mapping[str, str]) -> None:
        """Record what a create answered before its wait begins; the state is written on the caller's thread."""
        assert self._walk is not None

        def record() -> None:  # the intent is open until the state knows: a crash in between must leave one of them
            self._put(name, status="creating", outputs=outputs, change=True)
            if self._steps[name].world == "aws":
                self._stack.journal.landed(name, outputs)

        self._walk.post(record)

    def _record(self, outcome: Outcome, *, removing: bool) -> None:
        name = outcome.name
        match outcome.status:
            case Status.DELETED | Status.ABSENT if removing:
                if name in self.state.steps:
                    self.state = self.state.without(name)
                    self.save()
            case Status.UNCHANGED | Status.CREATED | Status.UPDATED | Status.REPLACED:
                self.outputs.put(name, outcome.outputs)
                changed = outcome.status is not Status.UNCHANGED
                self._put(name, status="ready", outputs=outcome.outputs, change=changed)
            case Status.FAILED | Status.INTERRUPTED:
                self._put(name, status=outcome.status.value, error=outcome.message, change=True)
            case _:
                pass

    def _put(
        self,
        name: str,
        *,
        status: str,
        outputs: Mapping[str, str] | None = None,
        error: str = "",
        change: bool,
    ) -> None:
        step, before = self._steps[name], self.state.steps.get(name)
        if not step.recorded:
            return
        record = Record(
            kind=step.kind,
            slug=step.slug,
            needs=step.needs,
            outlives=step.outlives,
            status=status,
            outputs=dict(outputs) if outputs is not None else dict(before.outputs if before else {}),
            facts_sha256=fingerprint(step, self.outputs)
            if status == "ready"
            else (before.facts_sha256 if before else ""),
            changed_at=self._stack.utc() if change or not before else before.changed_at,
            attempts=(before.attempts if before else 0) + (1 if status == "creating" else 0),
            error=error,
        )
        if record != before:
            self.state = self.state.with_record(name, record)
            self.save()
