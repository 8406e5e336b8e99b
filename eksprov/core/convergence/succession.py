"""What a resource that is made again takes over from the one that it replaces: values that others own.

An autoscaler sets the number of nodes, a backup service tags what it is to save. The config says nothing of these, so
they are lost when the successor starts from the config alone: four busy nodes drain onto one. Which live values a kind
hands on it says itself (`Succeeding`); tags of others are handed on for every kind that has tags.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, runtime_checkable

from eksprov.core.step import AnyStep, C, F, Facts, Outputs, Step
from eksprov.core.tagging import Tags

# Of AWS, of ours and of controllers, who write them again on what they make or find.
NOT_OTHERS = ("aws:", "eks:", "eksprov:", "elbv2.k8s.aws/", "k8s.io/", "karpenter.", "kubernetes.io/", "Name")


@runtime_checkable
class Succeeding(Protocol):
    def succeeding(self, have: Facts) -> AnyStep:
        """This step as the successor of `have`: with the live values that another program owns, within its bounds."""


def successor(step: Step[C, F], have: F) -> Step[C, F]:
    """The step that is to be made in place of `have`."""
    return step.succeeding(have) if isinstance(step, Succeeding) else step


def tags_of_others(step: Step[C, F], have: F, tags: Tags) -> dict[str, str]:
    """The tags of what goes that neither the config nor AWS gave it."""
    found = have.owner.tags if step.traits.tags_at is not None and have.owner is not None else {}
    own = {*tags.wanted, *tags.dropped}
    return {key: value for key, value in found.items() if key not in own and not key.startswith(NOT_OTHERS)}


def hand_on(step: Step[C, F], client: Any, old: F, new: F, tags: Tags) -> None:
    """Give the successor, which stands, the tags that others gave the one before."""
    others = tags_of_others(step, old, tags)
    have = new.owner.tags if new.owner is not None else {}
    put = {key: value for key, value in others.items() if key not in have}
    if put and step.traits.tags_at is not None:
        service, output = step.traits.tags_at
        client.retag(service, step.outputs(new)[output], have, put, ())


def taken_over(step: Step[C, F], have: F, tags: Tags) -> str:
    """What is taken over, for a plan; empty where nothing is."""
    want, heir = step.desired(Outputs()), successor(step, have).desired(Outputs())
    values = [
        f"{field.name} {getattr(heir, field.name)}"
        for field in dataclasses.fields(want)
        if getattr(want, field.name) != getattr(heir, field.name)
    ]
    others = sorted(tags_of_others(step, have, tags))
    what = (*values, *((f"the tags {', '.join(others)}",) if others else ()))
    return f"; it takes over {' and '.join(what)}" if what else ""
