"""What has to be removed before anything is made, because something under it cannot change in place.

Asked of the world only where the record says that something differs, or has no say; so a run that changes nothing reads
nothing for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from eksprov import errors
from eksprov.core.convergence.converge import is_ours
from eksprov.core.convergence.displacing import displacement, lost
from eksprov.core.convergence.external import External
from eksprov.core.replacement import Order, needs_replacement
from eksprov.core.step import AnyStep
from eksprov.operations.stack import Opened


def displaced(opened: Opened) -> frozenset[str]:
    """The steps to be removed. Raises: ReplacementError naming what stands on one that would have to go."""
    known = frozenset(opened.state.steps) | {resource.owner.step for resource in opened.resources}
    roots = tuple(_outgrown(opened, known))
    if not roots:
        return frozenset()
    found = displacement(opened.steps, frozenset(_living(opened)), roots)
    if found.refused:
        lines = [f"{name} cannot be made again: {why}" for name, why in sorted(found.refused.items())]
        hint = "set the old values again, or tear down and provision anew; nothing was changed"
        raise errors.ReplacementError("\n".join(lines), hint)
    return found.gone


def _living(opened: Opened) -> Iterator[str]:
    """The steps whose resources are there: a record may be of one that was never made, or miss one that was."""
    found = opened.read_all([step for step in opened.steps if step.world == "aws"])
    return (name for name, have in found.items() if have is not None)


def _outgrown(opened: Opened, living: Collection[str]) -> Iterator[str]:
    """Steps on which others stand, and which cannot become what is wanted now."""
    outputs = opened.state.outputs
    for step in opened.steps:
        if step.name not in living or isinstance(step, External) or step.replacement.order is not Order.DELETE_FIRST:
            continue
        if opened.state.is_as_recorded(step) or not _carries(step, opened.steps, living):
            continue
        have = opened.read(step)
        if have is not None and is_ours(have.owner, opened.us) and needs_replacement(step.desired(outputs), have):
            yield step.name


def _carries(step: AnyStep, steps: Collection[AnyStep], living: Collection[str]) -> bool:
    """Whether a living step is made of what this one gives."""
    return any(lost(other, {step.name}) for other in steps if other.name in living and step.name in other.needs)
