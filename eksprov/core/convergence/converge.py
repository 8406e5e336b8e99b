"""One step: discover, diff, act, prove; and its removal.

`converge` acts only on a difference between two readings of the world, and believes an action only after a third
reading agrees. What is in motion (a run before this one may have been cut off) is waited for first. A resource that
is not ours is never touched. The same few rules hold for every kind, in AWS and in Kubernetes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeGuard

from eksprov import errors
from eksprov.core.change import Action, Change
from eksprov.core.convergence.external import External, Part, leave, look_at
from eksprov.core.convergence.ledger import Ledger
from eksprov.core.convergence.messages import (
    failed_update,
    held,
    holders,
    in_words,
    irreplaceable,
    late,
    never_seen,
    strange,
    unproven,
)
from eksprov.core.convergence.motion import changes_now, resting, until_it_rests
from eksprov.core.convergence.no_capacity import NeedsReplacementError, Patience
from eksprov.core.convergence.pace import Clock, poll_interval
from eksprov.core.convergence.succession import hand_on, successor
from eksprov.core.convergence.updates import Followed, Refusing, update_limit_s
from eksprov.core.outcome import Outcome, Status
from eksprov.core.replacement import Order
from eksprov.core.step import HERE, C, F, Outputs, Owner, Phase, PhaseState, Step, Traits
from eksprov.core.tagging import NO_TAGS, Tags, compared, update

PROOF_GRACE_S = 60.0  # how long a reading may lag behind a write before it counts as a refusal
APPEAR_GRACE_S = 120.0  # how long a listing may hide what a call that we know was sent has made


class Piecewise(Step[C, F]):
    """Many things that go one after another: `delete` is called until none is left. Nobody makes or records them."""

    traits: ClassVar[Traits] = Traits(recorded=False)

    def outputs(self, have: F) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Run(Generic[C]):
    """What every step of a run shares."""

    owner: Owner  # the stack, for tags and for telling what is ours
    clock: Clock  # the time, and sleeping between two readings
    client: C  # of the world that the step at hand is in: Aws or KubeApi
    ledger: Ledger  # what the run records of its steps
    speed: float = 1.0  # how many times faster than real AWS the world is; 1.0: AWS itself
    tags: Tags = NO_TAGS  # the config's, which every resource bears
    first_choice: bool = False  # ask for a step's first choice although a later one is there
    salt: str = ""  # makes the idempotency tokens others; empty: as recorded

    def token(self, name: str) -> str:
        """The idempotency token of a step's present incarnation, 64 hex digits."""
        token = self.ledger.token(name)
        return hashlib.sha256(f"{token}|{self.salt}".encode()).hexdigest() if self.salt else token


def is_ours(owner: Owner | None, us: Owner) -> TypeGuard[Owner]:
    """Whether tags name this stack in its region; an id, where both have one, must agree too."""
    if owner is None or owner.stack != us.stack or owner.region not in (us.region, HERE):
        return False
    return not us.stack_id or not owner.stack_id or owner.stack_id == us.stack_id


def converge(step: Step[C, F], outputs: Outputs, run: Run[C]) -> Outcome:
    """Bring the step to its wanted facts and prove it.

    Raises: OwnershipError, ReplacementError, ConvergenceError, ProvisioningError, WaitTimeoutError, AccessError.
    """
    if isinstance(step, External):
        return look_at(step, run.client)
    want = step.desired(outputs)
    have = _at_rest(step, run, want)
    change = compared(step, want, have, run.tags)
    if have is None:
        if step.traits.named and run.ledger.was_there(step.name):
            run.ledger.gone(step.name)  # somebody has deleted it: under the old token AWS would answer for the dead one
        _created(step, want, run)
        return _done(step, Status.CREATED, change, _proven(step, want, run))
    if change.action is Action.NONE:
        return _done(step, Status.UNCHANGED, change, have)
    if change.action is Action.REPLACE:
        _make_room(step, have, change, run)
        heir = successor(step, have)
        want = heir.desired(outputs)
        _created(heir, want, run)
        new = _proven(heir, want, run)
        hand_on(step, run.client, have, new, run.tags)
        return _done(step, Status.REPLACED, change, new)
    return _done(step, Status.UPDATED, change, _updated(step, want, have, change, run))


def _done(step: Step[C, F], status: Status, change: Change, have: F) -> Outcome:
    return Outcome(step.name, status, change, step.outputs(have), message=step.phase(have).message)


def _updated(step: Step[C, F], want: F, have: F, change: Change, run: Run[C]) -> F:
    """Change it in place, part by part, each read back; then as it was read."""
    tried: set[tuple[str, ...]] = set()
    while change.fields:
        if change.action is Action.REPLACE:  # somebody else has changed what cannot be changed back
            raise irreplaceable(step, change)
        if isinstance(step, Refusing) and (why := step.refusal(want, have)):
            raise errors.ReplacementError(f"{step.name}: {why}")
        if change.names in tried:  # one part undoes another; no pause would end that
            raise unproven(step, change)
        tried.add(change.names)
        sent = update(step, run.client, want, have, change, run.tags)
        limit_s = update_limit_s(step, want, have)
        have = _proven(step, want, run, but=change.names, sent=sent, limit_s=limit_s)
        change = compared(step, want, have, run.tags)
    return have


def _make_room(step: Step[C, F], have: F, change: Change, run: Run[C]) -> None:
    """Delete what cannot become as it is wanted. Raises: OutgrownError where another one may be made beside it."""
    order = step.replacement.order
    if order is Order.CREATE_FIRST:
        raise NeedsReplacementError(f"{step.name}: cannot be changed in place: {in_words(change)}")
    if order is Order.NEVER:
        raise irreplaceable(step, change)
    if holding := holders(step, run.client, have):
        raise held(step, change, holding)
    run.ledger.tell(step.name, f"{in_words(change)} cannot change in place; deleting it to make it again")
    remove(step, run)
    run.ledger.gone(step.name)


def _created(step: Step[C, F], want: F, run: Run[C]) -> None:
    """Send the create, the intent on the disk before it and what it answered after it.

    Where AWS says that the token was used with other parameters, they were those of an incarnation that has gone since,
    unless it only hides: a run may have ended between its deletion and the record of that.
    """
    run.ledger.intend(step.name, want)
    try:
        made = step.create(run.client, want, run.token(step.name))
    except Exception as error:
        if not run.ledger.spent(error) or _appeared(step, run) is not None:
            raise
        run.ledger.gone(step.name)
        run.ledger.intend(step.name, want)
        made = step.create(run.client, want, run.token(step.name))
    run.ledger.note(step.name, made)


def remove(step: Step[C, F], run: Run[C], *, settled: bool = False) -> Outcome:
    """Delete the step's resource and wait until it is gone; a stranger's is left, absence is fine.

    `settled`: whatever a run that was cut off has made is found already.

    Raises: OwnershipError, WaitTimeoutError (naming what blocks), AccessError.
    """
    if isinstance(step, Part):  # it goes with the whole
        return Outcome(step.name, Status.ABSENT)
    if isinstance(step, External):
        return leave(step, run.client)
    have = step.discover(run.client, fresh=True)
    if have is None and not settled and run.ledger.unsettled(step.name):
        have = _appeared(step, run)
    if have is None:
        return Outcome(step.name, Status.ABSENT)
    _refuse_stranger(step, have, run)
    change = Change(Action.DELETE)
    if isinstance(step, Piecewise):
        found = step.phase(have).message
        _swept(step, have, run)
        return Outcome(step.name, Status.DELETED, change, message=found)
    if step.phase(have).state is not PhaseState.LEAVING:
        if step.phase(have).state is PhaseState.MOVING and not step.traits.delete_in_motion:
            have = _await(step, run, resting, limit_s=update_limit_s(step, have, have))
        if have is not None:
            step.delete(run.client, have)
    _await(step, run, lambda _, found: found is None, leaving=True)
    return Outcome(step.name, Status.DELETED, change)


def _swept(step: Step[C, F], have: F | None, run: Run[C]) -> None:
    """Delete what can go, look again, until nothing is left or the kind's time is up."""
    began = run.clock.now()
    while have is not None:
        waited = run.clock.now() - began
        if waited > step.timing.delete_limit_s:
            raise late(step, run.client, have, waited)
        step.delete(run.client, have)
        run.ledger.tell(step.name, step.phase(have).message)
        run.clock.sleep(poll_interval(waited, step.timing.delete_s, run.speed))
        have = step.discover(run.client, fresh=True)


def _at_rest(step: Step[C, F], run: Run[C], want: F) -> F | None:
    """The step's facts once nothing is in motion; a failed one of ours is cleared away when the kind allows it.

    What may be deleted or changed in motion, and has to be, is not waited for.
    """
    have = step.discover(run.client)
    if have is None and not step.traits.recognised and run.ledger.expected(step.name):
        have = _appeared(step, run)
    if have is None:
        return None
    _refuse_stranger(step, have, run)
    phase = step.phase(have)
    if changes_now(step, want, have):
        return have
    if phase.state in (PhaseState.MOVING, PhaseState.LEAVING):
        leaving, limit_s = phase.state is PhaseState.LEAVING, update_limit_s(step, want, have)
        have = _await(step, run, until_it_rests(step, want), leaving=leaving, limit_s=limit_s)
        if have is None:
            run.ledger.gone(step.name)
            return None
        phase = step.phase(have)
    if phase.state is PhaseState.FAILED:
        if not step.traits.recreate_failed:
            raise errors.ProvisioningError(f"{step.name}: {phase.message}")
        run.ledger.tell(step.name, f"failed before ({phase.message}); deleting it to make it again")
        remove(step, run)
        run.ledger.gone(step.name)
        return None
    return have


def _appeared(step: Step[C, F], run: Run[C]) -> F | None:
    """What an earlier call may have made, looked for as long as listings may lag; None means it was never made."""
    began = run.clock.now()
    while True:
        have = step.discover(run.client, fresh=True)
        if have is not None or run.clock.now() - began > APPEAR_GRACE_S / run.speed:
            return have
        run.ledger.tell(step.name, "an earlier run may have made it; looking for it by its tags")
        run.clock.sleep(poll_interval(run.clock.now() - began, 0.0, run.speed))


def _proven(
    step: Step[C, F],
    want: F,
    run: Run[C],
    *,
    but: tuple[str, ...] | None = None,
    sent: str | None = None,
    limit_s: float = 0.0,
) -> F:
    """Wait until a reading shows `want` (for an update: until fewer fields than `but` differ), then return it.

    Where the world says that the update `sent`, by its id, has failed, there is nothing to wait for.
    """
    proof_began, began = list[float](), run.clock.now()

    def shows(phase: Phase | None, have: F | None) -> bool:
        if have is None and run.clock.now() - began > APPEAR_GRACE_S / run.speed:
            run.ledger.gone(step.name)
            raise never_seen(step)
        if have is None or phase is None or phase.state in (PhaseState.MOVING, PhaseState.LEAVING):
            return False
        left = compared(step, want, have, run.tags)
        if left.action is Action.NONE or (but is not None and left.names != but):
            return True
        if sent and isinstance(step, Followed) and (why := step.why_failed(run.client, sent)):
            raise failed_update(step, left, why)
        proof_began.append(run.clock.now())
        if run.clock.now() - proof_began[0] > PROOF_GRACE_S / run.speed:
            raise unproven(step, left)
        return False

    have = _await(step, run, shows, fail=True, limit_s=limit_s)
    assert have is not None  # nothing that is absent shows anything
    _refuse_stranger(step, have, run)
    return have


def _await(
    step: Step[C, F],
    run: Run[C],
    done: Callable[[Phase | None, F | None], bool],
    *,
    leaving: bool = False,
    fail: bool = False,
    limit_s: float = 0.0,
) -> F | None:
    """Read until `done`, pausing in between; the deadline is the kind's, in real seconds, never scaled."""
    timing, usual = step.timing, limit_s or step.timing.create_limit_s
    expected, limit = (timing.delete_s, timing.delete_limit_s) if leaving else (timing.create_s, usual)
    began, patience = run.clock.now(), Patience(run.clock, run.speed)
    while True:
        have = step.discover(run.client, fresh=True)
        phase = step.phase(have) if have is not None else None
        patience.look(step, None if leaving else phase)
        if fail and phase is not None and phase.state is PhaseState.FAILED:
            raise errors.ProvisioningError(f"{step.name}: {phase.message}")
        if done(phase, have):
            return have
        waited = run.clock.now() - began
        if not leaving and (why := run.ledger.hopeless(step.name)):
            raise errors.ProvisioningError(f"{step.name}: {phase.message if phase else 'not ready'}; {why}")
        if waited > limit:
            raise late(step, run.client, have, waited)
        run.ledger.tell(step.name, phase.message if phase and phase.message else "")
        run.clock.sleep(poll_interval(waited, expected, run.speed))


def _refuse_stranger(step: Step[C, F], have: F, run: Run[C]) -> None:
    if not is_ours(have.owner, run.owner):
        raise strange(step, have)


def failure(name: str, error: errors.EksprovError, change: Change | None = None) -> Outcome:
    """The outcome of a step whose work raised `error`."""
    interrupted = isinstance(error, errors.InterruptedRunError)
    status = Status.INTERRUPTED if interrupted else Status.FAILED
    outcome = Outcome(name, status, message=error.message, hint=error.hint)
    return replace(outcome, change=change) if change else outcome
