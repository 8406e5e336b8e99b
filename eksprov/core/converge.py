"""One step: discover, diff, act, prove; and its removal.

`converge` acts only on a difference between two readings of the world, and believes an action only after a third
reading agrees. What is in motion (a run before this one may have been cut off) is waited for first. A resource that
is not ours is never touched. The same few rules hold for every kind, in AWS and in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from eksprov import errors
from eksprov.core.borrowed import leave, look_at
from eksprov.core.change import Action, Change
from eksprov.core.choosing import Choosing, OutgrownError, Patience
from eksprov.core.complaints import failed_update, held, in_words, irreplaceable, late, never_seen, strange, unproven
from eksprov.core.motion import changes_now, resting, until_it_rests
from eksprov.core.outcome import Outcome, Status
from eksprov.core.pace import Clock, pause
from eksprov.core.replacement import Order
from eksprov.core.step import HERE, AnyStep, Outputs, Owner, Phase, State
from eksprov.core.succession import hand_on
from eksprov.core.tagging import NO_TAGS, Tags, compared, update

PROOF_GRACE_S = 60.0  # how long a reading may lag behind a write before it counts as a refusal
APPEAR_GRACE_S = 120.0  # how long a listing may hide what a call that we know was sent has made


def _ignore(name: str, value: Any) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Run:
    """What every step of a run shares.

    `token` gives the idempotency token of a step's present incarnation; `note` records outputs known before the step
    is done; `tell` shows what a step is waiting for. `intend` writes down, on the disk, that a create is about to be
    sent. `expected` says that one may have been: kinds that AWS does not recognise when they are sent twice are then
    looked for first. `unsettled` says that one was cut off before it was read back: a removal then looks for longer.
    `was_there` says that this incarnation has been read back before. `hopeless` says why waiting for a step makes no
    sense any more; `gone` records that an incarnation has ended, so that the next one gets another token. `spent` says
    whether an error means that a token was used for something else. `tags` are the config's, which every resource
    bears.
    """

    owner: Owner
    clock: Clock
    speed: float = 1.0
    token: Callable[[str], str] = lambda name: ""
    note: Callable[[str, Mapping[str, str]], None] = _ignore
    tell: Callable[[str, str], None] = _ignore
    intend: Callable[[str, Any], None] = _ignore
    expected: Callable[[str], bool] = lambda name: False
    unsettled: Callable[[str], bool] = lambda name: False
    was_there: Callable[[str], bool] = lambda name: False
    hopeless: Callable[[str], str] = lambda name: ""
    gone: Callable[[str], None] = lambda name: None
    spent: Callable[[Exception], bool] = lambda error: False
    choosing: Choosing = field(default_factory=Choosing)
    tags: Tags = NO_TAGS


def is_ours(owner: Owner | None, us: Owner) -> bool:
    """Whether tags name this stack in its region; an id, where both have one, must agree too."""
    if owner is None or owner.stack != us.stack or owner.region not in (us.region, HERE):
        return False
    return not us.stack_id or not owner.stack_id or owner.stack_id == us.stack_id


def converge(step: AnyStep, client: Any, outputs: Outputs, run: Run) -> Outcome:
    """Bring the step to its wanted facts and prove it.

    Raises: OwnershipError, ReplacementError, ConvergenceError, ProvisioningError, WaitTimeoutError, AccessError.
    """
    if step.borrowed:
        return look_at(step, client)
    want = step.desired(outputs)
    have = _at_rest(step, client, run, want)
    first = change = compared(step, want, have, run.tags)
    if change.action is Action.NONE:
        return Outcome(step.name, Status.UNCHANGED, change, step.outputs(have), message=step.phase(have).message)
    if change.action is Action.REPLACE:
        _make_room(step, client, have, change, run)
        heir, old = step.succeeding(have), have
        want = heir.desired(outputs)
        _created(heir, client, want, run)
        have = _proven(heir, client, want, run)
        hand_on(step, client, old, have, run.tags)
        return Outcome(step.name, Status.REPLACED, first, step.outputs(have), message=step.phase(have).message)
    if change.action is Action.CREATE:
        if step.named and run.was_there(step.name):
            run.gone(step.name)  # somebody has deleted it: under the old token AWS would answer for the dead one
        _created(step, client, want, run)
        have = _proven(step, client, want, run)
        return Outcome(step.name, Status.CREATED, first, step.outputs(have), message=step.phase(have).message)
    tried: set[tuple[str, ...]] = set()
    while change.fields:
        _refuse_replacement(step, change)
        if why := step.refusal(want, have):
            raise errors.ReplacementError(f"{step.name}: {why}")
        if change.names in tried:  # one part undoes another; no pause would end that
            raise unproven(step, change)
        tried.add(change.names)
        sent = update(step, client, want, have, change, run.tags)
        limit_s = step.update_limit_s(want, have)
        have = _proven(step, client, want, run, but=change.names, sent=sent, limit_s=limit_s)
        change = compared(step, want, have, run.tags)
    return Outcome(step.name, Status.UPDATED, first, step.outputs(have), message=step.phase(have).message)


def _make_room(step: AnyStep, client: Any, have: Any, change: Change, run: Run) -> None:
    """Delete what cannot become as it is wanted. Raises: OutgrownError where another one may be made beside it."""
    order = step.replacement.order
    if order is Order.CREATE_FIRST:
        raise OutgrownError(f"{step.name}: cannot be changed in place: {in_words(change)}")
    if order is Order.NEVER:
        raise irreplaceable(step, change)
    if holders := step.blockers(client, have):
        raise held(step, change, holders)
    run.tell(step.name, f"{in_words(change)} cannot change in place; deleting it to make it again")
    remove(step, client, run)
    run.gone(step.name)


def _refuse_replacement(step: AnyStep, change: Change) -> None:
    """In the middle of an update: somebody else has changed what cannot be changed back."""
    if change.action is Action.REPLACE:
        raise irreplaceable(step, change)


def _created(step: AnyStep, client: Any, want: Any, run: Run) -> None:
    """Send the create, the intent on the disk before it and what it answered after it.

    Where AWS says that the token was used with other parameters, they were those of an incarnation that has gone since,
    unless it only hides: a run may have ended between its deletion and the record of that.
    """
    run.intend(step.name, want)
    try:
        made = step.create(client, want, run.token(step.name))
    except Exception as error:
        if not run.spent(error) or _appeared(step, client, run) is not None:
            raise
        run.gone(step.name)
        run.intend(step.name, want)
        made = step.create(client, want, run.token(step.name))
    run.note(step.name, made)


def remove(step: AnyStep, client: Any, run: Run) -> Outcome:
    """Delete the step's resource and wait until it is gone; a stranger's is left, absence is fine.

    Raises: OwnershipError, WaitTimeoutError (naming what blocks), AccessError.
    """
    if step.borrowed or step.part:
        return leave(step, client)
    have = step.discover(client, fresh=True)
    if have is None and run.unsettled(step.name):
        have = _appeared(step, client, run)
    if have is None:
        return Outcome(step.name, Status.ABSENT)
    _refuse_stranger(step, have, run)
    change = Change(Action.DELETE)
    if step.piecewise:
        found = step.phase(have).message
        _swept(step, client, have, run)
        return Outcome(step.name, Status.DELETED, change, message=found)
    if step.phase(have).state is not State.LEAVING:
        if step.phase(have).state is State.MOVING and not step.delete_in_motion:
            have = _await(step, client, run, resting, limit_s=step.update_limit_s(have, have))
        if have is not None:
            step.delete(client, have)
    _await(step, client, run, lambda _, found: found is None, leaving=True)
    return Outcome(step.name, Status.DELETED, change)


def _swept(step: AnyStep, client: Any, have: Any | None, run: Run) -> None:
    """Delete what can go, look again, until nothing is left or the kind's time is up."""
    began = run.clock.now()
    while have is not None:
        waited = run.clock.now() - began
        if waited > step.timing.delete_limit_s:
            raise late(step, client, have, waited)
        step.delete(client, have)
        run.tell(step.name, step.phase(have).message)
        run.clock.sleep(pause(waited, step.timing.delete_s, run.speed))
        have = step.discover(client, fresh=True)


def _at_rest(step: AnyStep, client: Any, run: Run, want: Any) -> Any | None:
    """The step's facts once nothing is in motion; a failed one of ours is cleared away when the kind allows it.

    What may be deleted or changed in motion, and has to be, is not waited for.
    """
    have = step.discover(client)
    if have is None and not step.recognised and run.expected(step.name):
        have = _appeared(step, client, run)
    if have is None:
        return None
    _refuse_stranger(step, have, run)
    phase = step.phase(have)
    if changes_now(step, want, have):
        return have
    if phase.state in (State.MOVING, State.LEAVING):
        leaving, limit_s = phase.state is State.LEAVING, step.update_limit_s(want, have)
        have = _await(step, client, run, until_it_rests(step, want), leaving=leaving, limit_s=limit_s)
        if have is None:
            run.gone(step.name)
            return None
        phase = step.phase(have)
    if phase.state is State.FAILED:
        if not step.recreate_failed:
            raise errors.ProvisioningError(f"{step.name}: {phase.message}")
        run.tell(step.name, f"failed before ({phase.message}); deleting it to make it again")
        remove(step, client, run)
        run.gone(step.name)
        return None
    return have


def _appeared(step: AnyStep, client: Any, run: Run) -> Any | None:
    """What an earlier call may have made, looked for as long as listings may lag; None means it was never made."""
    began = run.clock.now()
    while True:
        have = step.discover(client, fresh=True)
        if have is not None or run.clock.now() - began > APPEAR_GRACE_S / run.speed:
            return have
        run.tell(step.name, "an earlier run may have made it; looking for it by its tags")
        run.clock.sleep(pause(run.clock.now() - began, 0.0, run.speed))


def _proven(
    step: AnyStep,
    client: Any,
    want: Any,
    run: Run,
    *,
    but: tuple[str, ...] | None = None,
    sent: str | None = None,
    limit_s: float = 0.0,
) -> Any:
    """Wait until a reading shows `want` (for an update: until fewer fields than `but` differ), then return it.

    Where the world says that the update `sent`, by its id, has failed, there is nothing to wait for.
    """
    proof_began, began = list[float](), run.clock.now()

    def shows(phase: Phase | None, have: Any | None) -> bool:
        if have is None and run.clock.now() - began > APPEAR_GRACE_S / run.speed:
            run.gone(step.name)
            raise never_seen(step)
        if have is None or phase is None or phase.state in (State.MOVING, State.LEAVING):
            return False
        left = compared(step, want, have, run.tags)
        if left.action is Action.NONE or (but is not None and left.names != but):
            return True
        if sent and (why := step.why_failed(client, sent)):
            raise failed_update(step, left, why)
        proof_began.append(run.clock.now())
        if run.clock.now() - proof_began[0] > PROOF_GRACE_S / run.speed:
            raise unproven(step, left)
        return False

    have = _await(step, client, run, shows, fail=True, limit_s=limit_s)
    _refuse_stranger(step, have, run)
    return have


def _await(
    step: AnyStep,
    client: Any,
    run: Run,
    done: Callable[[Phase | None, Any | None], bool],
    *,
    leaving: bool = False,
    fail: bool = False,
    limit_s: float = 0.0,
) -> Any | None:
    """Read until `done`, pausing in between; the deadline is the kind's, in real seconds, never scaled."""
    timing, usual = step.timing, limit_s or step.timing.create_limit_s
    expected, limit = (timing.delete_s, timing.delete_limit_s) if leaving else (timing.create_s, usual)
    began, patience = run.clock.now(), Patience(run.clock, run.speed)
    while True:
        have = step.discover(client, fresh=True)
        phase = step.phase(have) if have is not None else None
        patience.look(step, None if leaving else phase)
        if fail and phase is not None and phase.state is State.FAILED:
            raise errors.ProvisioningError(f"{step.name}: {phase.message}")
        if done(phase, have):
            return have
        waited = run.clock.now() - began
        if not leaving and (why := run.hopeless(step.name)):
            raise errors.ProvisioningError(f"{step.name}: {phase.message if phase else 'not ready'}; {why}")
        if waited > limit:
            raise late(step, client, have, waited)
        run.tell(step.name, phase.message if phase and phase.message else "")
        run.clock.sleep(pause(waited, expected, run.speed))


def _refuse_stranger(step: AnyStep, have: Any, run: Run) -> None:
    if not is_ours(have.owner, run.owner):
        raise strange(step, have)


def failure(name: str, error: errors.EksprovError, change: Change | None = None) -> Outcome:
    """The outcome of a step that raised."""
    interrupted = isinstance(error, errors.InterruptedRunError)
    status = Status.INTERRUPTED if interrupted else Status.FAILED
    outcome = Outcome(name, status, message=error.message, hint=error.hint)
    return replace(outcome, change=change) if change else outcome
