"""The state as frozen data; every change is a new value.

Stored keys (`state/<stack>.json`, UTC times as ISO 8601 seconds with Z):

- `schema`: 1. A newer one is refused, never guessed at.
- `serial`: grows by one with every write.
- `stack`, `stack_id`: the stack's name, and the random id minted when an incarnation of it begins.
- `account`, `region`: where it lives; a run against another account or region is refused.
- `choices`: what was resolved once, at creation, and is kept (`kubernetes_version`, `zones`, ...).
- `tags`: the config's tags that resources may bear: those of the last complete run, and of any since.
- `generations`: step name -> how many times its resource was deleted; tokens derive from it.
- `steps`: step name -> `kind`, `slug`, `needs`, `outlives`, `status`, `outputs`, `facts_sha256`, `changed_at`,
  `attempts`, `error`.
- `sha256`: over the rest, against damage; see `codec`.

No secret is ever among them: ARNs, ids, names, hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from eksprov.core.step import AnyStep, Outputs

SCHEMA = 1


@dataclass(frozen=True)
class Record:
    """One step as it was last seen."""

    kind: str
    slug: str  # the resource's physical name or key
    needs: tuple[str, ...] = ()  # names of the steps it was made after
    outlives: tuple[str, ...] = ()  # names of the steps that go before it
    status: str = ""  # "ready", "creating", or the status of an Outcome that is not good
    outputs: Mapping[str, str] = field(default_factory=dict)  # what it made known, like its ARN
    facts_sha256: str = ""  # hash of what was wanted when it was last ready; empty: it never was
    changed_at: str = ""  # ISO 8601, UTC; empty: never
    attempts: int = 0  # how often a create was begun
    error: str = ""  # the last failure's message; empty: none


@dataclass(frozen=True)
class State:
    """Everything remembered of one stack; the module's docstring says what each key is."""

    stack: str
    stack_id: str = ""
    account: str = ""
    region: str = ""
    serial: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, Record] = field(default_factory=dict)

    @property
    def outputs(self) -> Outputs:
        """What the records know of each step's resource; the caller may change it."""
        return Outputs({name: record.outputs for name, record in self.steps.items()})

    def is_as_recorded(self, step: AnyStep) -> bool:
        """Whether the last run left the step's resource as the config wants it now; the world is not asked."""
        record = self.steps.get(step.name)
        return (
            record is not None and record.status == "ready" and record.facts_sha256 == fingerprint(step, self.outputs)
        )

    def with_record(self, name: str, record: Record) -> State:
        """The state with one step's record set."""
        return replace(self, serial=self.serial + 1, steps={**self.steps, name: record})

    def without(self, name: str) -> State:
        """The state after a confirmed deletion: the record goes, the step's generation grows."""
        steps = {key: record for key, record in self.steps.items() if key != name}
        generations = {**self.generations, name: self.generations.get(name, 0) + 1}
        return replace(self, serial=self.serial + 1, steps=steps, generations=generations)

    def with_choices(self, choices: Mapping[str, str]) -> State:
        """The state with choices added."""
        return replace(self, serial=self.serial + 1, choices={**self.choices, **choices})

    def with_tags(self, tags: Mapping[str, str]) -> State:
        """The state where resources may bear these tags alone."""
        return replace(self, serial=self.serial + 1, tags=dict(tags))

    def token(self, name: str) -> str:
        """64 hex digits for a step's present incarnation: the same after a crash, another after a delete.

        EC2 takes at most 64 characters, EKS at least 33
        (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html).
        """
        text = f"{self.stack_id}|{name}|{self.generations.get(name, 0)}"
        return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(step: AnyStep, outputs: Outputs) -> str:
    """A hash of what is wanted of a step, for comparing config with record where the world is not asked."""
    return facts_sha256(step.desired(outputs))


def facts_sha256(want: Any) -> str:
    """A hash of wanted facts; what AWS assigns takes no part."""
    compared = (f for f in fields(want) if f.compare)
    values = {f.name: (f, getattr(want, f.name)) for f in compared}
    # A field that came later counts only where it says something: records from before it stay true.
    facts = {n: _plain(v) for n, (f, v) in values.items() if not (f.metadata.get("later") and v == f.default)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
