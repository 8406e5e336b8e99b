"""The config's tags on what is there: compared like a field of the facts, changed by the service that keeps them.

A resource is made with all its tags. When the config's tags change later, each resource gets the new ones and loses
those that an earlier config gave it; what others have tagged stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov.core.change import Action, Change, FieldChange, diff
from eksprov.core.step import C, F, Step

TAGS = "tags"


@dataclass(frozen=True)
class Tags:
    """What the config wants of tags on every resource."""

    wanted: Mapping[str, str] = field(default_factory=dict)  # key to value
    dropped: frozenset[str] = frozenset()  # keys that only an earlier config wanted

    @classmethod
    def after(cls, given: Mapping[str, str], wanted: Mapping[str, str]) -> Tags:
        """Where resources may bear `given`, the tags of earlier configs."""
        return cls(dict(wanted), frozenset(given) - frozenset(wanted))

    def among(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Those of a resource's tags that the config has, or had, a say in."""
        return {key: tags[key] for key in sorted({*self.wanted, *self.dropped} & tags.keys())}


NO_TAGS = Tags()


def compared(step: Step[C, F], want: F, have: F | None, tags: Tags) -> Change:
    """`diff`, with the tags as one more field of a resource that stays."""
    change = diff(want, have)
    if step.traits.tags_at is None or have is None or have.owner is None or change.action is Action.REPLACE:
        return change
    found, wanted = tags.among(have.owner.tags), dict(sorted(tags.wanted.items()))
    if found == wanted:
        return change
    return Change(Action.UPDATE, (*change.fields, FieldChange(TAGS, found, wanted)), change.reason)


def update(step: Step[C, F], client: Any, want: F, have: F, change: Change, tags: Tags) -> str | None:
    """Send the tags, and what changes the other fields or a first part of them: `Step.update` and what it gives."""
    if TAGS in change.names and step.traits.tags_at is not None and have.owner is not None:
        service, output = step.traits.tags_at
        found = tags.among(have.owner.tags)
        put = {key: value for key, value in tags.wanted.items() if found.get(key) != value}
        drop = tuple(sorted(tags.dropped & found.keys()))
        client.retag(service, step.outputs(have)[output], have.owner.tags, put, drop)
    fields = tuple(name for name in change.names if name != TAGS)
    return step.update(client, want, have, fields) if fields else None
