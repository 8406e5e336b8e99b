"""What a step that cannot be brought to its wanted state says to the user: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from eksprov import errors
from eksprov.core.change import Change
from eksprov.core.step import HERE, AnyStep, C, F, Facts, Owner, Step


@runtime_checkable
class Blockable(Protocol):
    def blockers(self, client: object, have: Facts) -> tuple[str, ...]:
        """What keeps the resource from being deleted, named for people."""


def holders(step: Step[C, F], client: C, have: F) -> tuple[str, ...]:
    """What keeps the resource from being deleted, as far as its kind can say."""
    return step.blockers(client, have) if isinstance(step, Blockable) else ()


def in_words(change: Change) -> str:
    """The fields that differ, each with the value found and the value wanted, in a line."""
    return ", ".join(f"{field.name} ({field.have} -> {field.want})" for field in change.fields)


def late(step: Step[C, F], client: C, have: F | None, waited_s: float) -> errors.WaitTimeoutError:
    """A deadline has passed; what holds the resource is asked for."""
    phase = step.phase(have).message if have is not None else "it cannot be seen yet"
    holding = holders(step, client, have) if have is not None else ()
    by = f"; held by {', '.join(holding)}" if holding else ""
    return errors.WaitTimeoutError(
        f"{step.name}: still not done after {waited_s:.0f} s: {phase}{by}", "run the same command again to wait on"
    )


def strange(step: AnyStep, have: Facts) -> errors.OwnershipError:
    """The refusal of a step whose name a resource of somebody else has."""
    what, hint = whose(have.owner)
    return errors.OwnershipError(
        f"{step.name}: {step.kind} {step.slug!r} exists and is not this stack's: {what}; it was left alone", hint
    )


def whose(other: Owner | None) -> tuple[str, str]:
    """Whom a stranger's tags name, and what can be done."""
    hint = "choose another stack name, or remove that resource yourself"
    if other is None:
        return "it has no owner tags", hint
    named = f"its tags name stack {other.stack!r} ({other.stack_id})"
    if other.region == HERE:
        return named, hint
    if other.region:
        return f"{named} in {other.region}", hint
    return f"{named}, and neither they nor its name say of which region", (
        "if it is this stack's, add the tag eksprov:region with the stack's region to it; else choose another stack "
        "name, or remove that resource yourself"
    )


SET_BACK = "set the old value again, or tear down and provision anew"


def irreplaceable(step: AnyStep, change: Change) -> errors.ReplacementError:
    """What differs cannot change in place, and the resource is not made again."""
    reason = step.replacement.why
    return errors.ReplacementError(f"{step.name}: cannot be changed in place: {in_words(change)}; {reason}", SET_BACK)


def held(step: AnyStep, change: Change, holders: Iterable[str]) -> errors.ReplacementError:
    """What is said of a resource that had to be deleted first, which others that depend on it do not allow."""
    return errors.ReplacementError(
        f"{step.name}: cannot be changed in place: {in_words(change)}; and it cannot be made again while it holds "
        f"{', '.join(holders)}",
        SET_BACK,
    )


def unproven(step: AnyStep, left: Change) -> errors.ConvergenceError:
    """The world took the call and did nothing of it."""
    fields = ", ".join(f"{field.name}: wanted {field.want}, read {field.have}" for field in left.fields)
    return errors.ConvergenceError(f"{step.name}: the call succeeded, but reading back shows {fields}")


def failed_update(step: AnyStep, left: Change, why: str) -> errors.ProvisioningError:
    """The world took the call, went on with it, and gave up."""
    hint = "mend that, then run the same command again"
    return errors.ProvisioningError(f"{step.name}: the update of {', '.join(left.names)} failed: {why}", hint)


def never_seen(step: AnyStep) -> errors.ConvergenceError:
    """AWS answers a create whose token it has seen with what that token made, even when it is long deleted."""
    return errors.ConvergenceError(
        f"{step.name}: AWS accepted the call, but {step.kind} {step.slug!r} does not exist",
        "it may be one that was deleted since; run the same command again: it is then asked for as a new one",
    )
