"""The ledger of a run over an opened stack: what it reads and writes of its steps in state and journal.

Steps ask on their own threads; the caller's thread alone writes the state. A record that says the same as before is not
written again, so a run that changes nothing writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from eksprov.aws.faults import token_is_spent
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import AnyStep, Facts, Outputs
from eksprov.operations.choosing import elsewhere
from eksprov.operations.stack import Opened
from eksprov.state.journal import Intent
from eksprov.state.record import Record, facts_sha256, fingerprint


class StackLedger:
    """`opened` is the stack as earlier runs left it, `state` and `outputs` as they are now.

    `steps` are those of the present walk, each as the choice that counts; `ended` is how those came out that are done.
    """

    def __init__(self, opened: Opened, waits: Callable[[AnyStep, str], str]) -> None:
        """`waits` adds to what a step waits for what the cluster says of it."""
        self.opened, self.state = opened, opened.state
        self.outputs = Outputs({name: record.outputs for name, record in opened.state.steps.items()})
        self.steps: dict[str, AnyStep] = {}
        self.ended: dict[str, Outcome] = {}
        self._stack, self._waits = opened.stack, waits
        self._open_intents = opened.stack.journal.open_intents()
        self._post: Callable[[Callable[[], None]], None] | None = None

    def follow(self, steps: Sequence[AnyStep], post: Callable[[Callable[[], None]], None]) -> None:
        """A walk over `steps` begins; `post` has something done on the caller's thread."""
        self.steps, self._post = {step.name: step for step in steps}, post

    def save(self) -> None:
        """Write the state as it is now."""
        self._stack.store.save(self.state)

    def forget(self) -> None:
        """What has been removed is nothing that an earlier run began."""
        self.opened = dataclasses.replace(self.opened, state=self.state)

    def settle(self, read_back: Iterable[str]) -> None:
        """What has been read back is no longer open."""
        journal = self._stack.journal
        for name in journal.open_intents().keys() & set(read_back):
            journal.landed(name, {})
        journal.clear()

    def token(self, name: str) -> str:
        """By the name and the number of its incarnation."""
        return self.state.token(name)

    def intend(self, name: str, want: Facts) -> None:
        """On the disk before the call: what is about to be sent. Runs on the step's own thread."""
        if self.steps[name].world == "kube":  # an apply is the same however often it is sent, and is seen at once
            return
        generation = self.state.generations.get(name, 0)
        self._stack.journal.intend(Intent(name, "create", generation, self.state.token(name), facts_sha256(want)))

    def note(self, name: str, outputs: Mapping[str, str]) -> None:
        """Record what a create answered before its wait begins."""

        def record() -> None:  # the intent is open until the state knows: a crash in between must leave one of them
            self._put(name, status="creating", outputs=outputs, change=True)
            if self.steps[name].world == "aws":
                self._stack.journal.landed(name, outputs)

        assert self._post is not None
        self._post(record)

    def gone(self, name: str) -> None:
        """Record, before anything is sent again, that an incarnation has ended."""

        def record() -> None:
            self.state = self.state.without(name)
            self.save()

        self._wait_for(record)

    def begin(self, choice: AnyStep) -> None:
        """Record, before anything of it is sent, which choice is begun."""

        def record() -> None:
            self.state = self.state.without(choice.name)
            self.adopt(choice)
            self._put(choice.name, status="creating", change=True)

        self._wait_for(record)

    def _wait_for(self, work: Callable[[], None]) -> None:
        """Have it done on the caller's thread, and wait until it is."""
        assert self._post is not None
        done = self._stack.channel()

        def told() -> None:
            work()
            done.put(None)

        self._post(told)
        done.get()

    def adopt(self, choice: AnyStep) -> None:
        """From now on it is the step of its name."""
        self.steps[choice.name] = choice

    def recorded(self, name: str) -> str:
        """The slug of the step's resource as an earlier run left it; empty: not recorded."""
        record = self.opened.state.steps.get(name)
        return record.slug if record is not None else ""

    def elsewhere(self, name: str) -> bool:
        """By the state, and by the tags of what was found where that was lost."""
        return elsewhere(self.opened, self.steps[name])

    def spent(self, error: Exception) -> bool:
        return token_is_spent(error)

    def tell(self, name: str, text: str) -> None:
        """On the progress line, with what the cluster says of it."""
        step = self.steps.get(name)
        self._stack.progress.waiting(name, self._waits(step, text) if step is not None else text)

    def remark(self, text: str) -> None:
        """Put a line among the notes of the run."""
        self._stack.progress.note(text)

    def expected(self, name: str) -> bool:
        """Whether a create of this incarnation was sent, or may have been."""
        record = self.opened.state.steps.get(name)
        return self._sent(name) or bool(record and record.outputs)

    def unsettled(self, name: str) -> bool:
        """Whether a run was cut off between sending a create and reading back what it made."""
        record = self.opened.state.steps.get(name)
        return self._sent(name) or bool(record and record.status == "creating")

    def was_there(self, name: str) -> bool:
        """Whether an earlier run has read back what it made."""
        record = self.opened.state.steps.get(name)
        return record is not None and record.status == "ready"

    def _sent(self, name: str) -> bool:
        intent = self._open_intents.get(name)
        return intent is not None and intent.token == self.state.token(name)

    def hopeless(self, name: str) -> str:
        """Why a step can no longer become ready: everything that it awaits has failed."""
        awaited = self.steps[name].awaits
        ended = [self.ended[other] for other in awaited if other in self.ended]
        if not awaited or len(ended) < len(awaited) or any(outcome.good for outcome in ended):
            return ""
        return f"{', '.join(outcome.name for outcome in ended)} {'has' if len(ended) == 1 else 'have'} failed"

    def record(self, outcome: Outcome, *, removing: bool) -> None:
        """Write down how a step came out."""
        name = outcome.name
        self.ended[name] = outcome
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
        step, before = self.steps[name], self.state.steps.get(name)
        if not step.traits.recorded:
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
