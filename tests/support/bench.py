"""A workbench for one kind: its step on the emulated account, with what it needs made first."""

from __future__ import annotations

from typing import Any

import pytest

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.convergence.alternatives import converge_any
from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import AnyStep, FoundResource, Outputs, Owner
from eksprov.steps.catalog import catalog
from eksprov.steps.settled import resolve
from support.account import run_of
from support.stage import STACK_ID, Stage


class Bench:
    """The catalog's steps by name; `aws()` is a new process each time, `plain` clients are off the tape."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.clock = stage, stage.clock
        self.us = Owner(stage.config.name, STACK_ID)
        self.settled = resolve(self.aws(), stage.config, {})
        self.steps: dict[str, AnyStep] = {step.name: step for step in catalog(stage.config, self.settled)}
        self.outputs = Outputs()
        self.tape = stage.tape

    def aws(self) -> Aws:
        """A process that remembers nothing."""
        return self.stage.aws(self.us)

    def plain(self, service: str) -> Any:
        """A client that nobody listens to."""
        return self.stage.account.plain(service)

    def make(self, step: str | AnyStep) -> Outcome:
        """Converge a step after all that it needs."""
        step = self.steps[step] if isinstance(step, str) else step
        self.make_needs(step)
        return self.again(step)

    def make_needs(self, step: AnyStep) -> None:
        """Converge all that a step needs."""
        for need in step.needs:
            if not self.outputs.of(need):
                self.make(need)

    def again(self, step: AnyStep) -> Outcome:
        """Converge the step alone; the tape holds this alone."""
        self.tape.rewind()
        aws = self.aws()
        outcome = converge_any(step, self.outputs, run_of(aws))
        self.outputs.put(step.name, {**outcome.outputs} or {"done": "yes"})
        return outcome

    def remove(self, step: AnyStep) -> Outcome:
        """Remove the step alone."""
        self.tape.rewind()
        aws = self.aws()
        return remove(type(step).from_record(step.name, step.slug), run_of(aws))

    def resources(self, step: AnyStep) -> list[FoundResource]:
        """What a survey finds of the step's kind."""
        return list(step.list_owned(self.aws(), self.us.stack))

    def calls(self) -> list[str]:
        """The mutating calls since the last run began."""
        return [call.operation for call in self.tape.mutating]

    def settles(self, step: AnyStep) -> None:
        """A second look changes nothing."""
        assert self.again(step).status is Status.UNCHANGED
        assert self.calls() == []

    def is_refused(self, step: AnyStep) -> None:
        """Neither made nor removed, because it is a stranger's."""
        for act in (self.again, self.remove):
            with pytest.raises(errors.OwnershipError):
                act(step)
            assert self.calls() == []

    def waits_for_iam(self, step: AnyStep, operation: str, said: str) -> None:
        """Its create, after all that it needs, is refused while IAM has not told EKS of the role, and sent again."""
        self.make_needs(step)
        self.tape.rewind()
        aws = self.aws()
        self.tape.refuse(operation, "InvalidParameterException", said, times=2)
        step.create(aws, step.desired(self.outputs), "t" * 64)
        assert self.calls().count(operation) == 3

    def goes(self, step: AnyStep) -> None:
        """It is seen, removed, gone from sight, and a second removal finds nothing."""
        seen = [s.slug for s in self.resources(step)]
        assert step.slug in seen
        assert self.remove(step).status is Status.DELETED
        assert step.slug not in [s.slug for s in self.resources(step)]
        assert self.remove(step).status is Status.ABSENT
        assert self.calls() == []
