"""Steps with alternatives: the config lists several ways to make one resource, and exactly one of them is to exist.

Example: a node group of p5 instances that falls back on p4d instances, or on another zone, when AWS has no capacity.
Each way is a step of its own, of the same name and with a slug of its own. `converge_any` is `converge` for a step
with alternatives. It begins with the choice that is ready, else with the one that an earlier run was cut off in, else
with the first. A choice without capacity is given up: the record names the next one, the delete of the old one is
sent, and the next one is created, with an idempotency token of its own. Once a choice is ready, all others are deleted
and their end is waited for. What was given up is found by its tags in every run, so it is not forgotten where AWS
refuses its delete for a while.

`remove_all` is `remove` for such a step: it deletes all choices that exist, at the same time.

The same serves a resource that must be made anew without a gap: the new one, under a second name (`renewed`), is made
beside the old one, which is deleted once the new one is ready.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eksprov import errors
from eksprov.core.convergence.converge import Run, converge, is_ours, remove
from eksprov.core.convergence.no_capacity import NeedsReplacementError, NoCapacityError
from eksprov.core.convergence.pace import poll_interval
from eksprov.core.convergence.succession import hand_on, successor, tags_of_others
from eksprov.core.outcome import Outcome, Status
from eksprov.core.replacement import Order, needs_replacement
from eksprov.core.step import AnyStep, C, F, Facts, Outputs, Owner, Phase, PhaseState, Step

NO_CHOICE_HINT = "run the same command again later, or let the config name other choices"


class Alternatives(Step[C, F]):
    """A step whose resource can be made in several ways, or under a second name beside the one that it replaces."""

    @property
    def alternatives(self) -> Sequence[Alternatives[C, F]]:
        """The ways in which it may be had, best first, each with a slug of its own; the first is this."""
        return (self,)

    @property
    @abstractmethod
    def label(self) -> str:
        """What tells this choice from the others, in a few words, for messages."""

    @property
    @abstractmethod
    def renewed(self) -> Alternatives[C, F]:
        """With CREATE_FIRST: this step under a second name, beside the resource that it replaces."""

    @abstractmethod
    def siblings(self, client: C, *, fresh: bool = False) -> Sequence[Alternatives[C, F]]:
        """Every live resource that may be this step's, whatever choice it is; its owner tag says whether it is."""

    @abstractmethod
    def abandon(self, client: C, have: F) -> bool:
        """Send the delete of a choice that is not wanted any more, once; False when AWS refuses it for now."""


AnyAlternative = Alternatives[Any, Any]


@dataclass
class LiveAlternatives:
    """The live resources of one step: which choice each is, and what was read of it."""

    steps: dict[str, AnyAlternative] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)

    def look(self, one: AnyAlternative, client: object) -> Facts | None:
        """What was read of a resource that stands, as this very choice reads it; None where it is not there."""
        if one.slug in self.facts and self.steps[one.slug] != one:
            have = one.discover(client)
            if have is None:
                return None
            self.steps[one.slug], self.facts[one.slug] = one, have
        return self.facts.get(one.slug)

    def phase(self, choice: AnyAlternative) -> Phase | None:
        """The phase of a choice; None where it is not there."""
        return choice.phase(self.facts[choice.slug]) if choice.slug in self.facts else None

    def serving(self, choice: AnyAlternative) -> Facts | None:
        """What was read of the resource that serves until the choice does; None where there is none to follow."""
        return self.facts.get(serving(self, choice))

    def state(self, choice: AnyAlternative) -> PhaseState | None:
        """The state of a choice; None where it is not there."""
        phase = self.phase(choice)
        return phase.state if phase is not None else None


def serving(there: LiveAlternatives, choice: AnyAlternative) -> str:
    """The slug of what stands and serves until the choice, which is not there, does; empty where nothing does."""
    if choice.slug in there.steps:
        return ""
    return next((slug for slug in sorted(there.steps) if there.state(there.steps[slug]) is PhaseState.READY), "")


def live_alternatives(step: AnyAlternative, client: object, us: Owner) -> LiveAlternatives:
    """What is there of a step under any name; a stranger's is none of it."""
    found = LiveAlternatives()
    for sibling in step.siblings(client):
        have = sibling.discover(client)
        if have is not None and is_ours(have.owner, us) and have.owner.step in ("", step.name):
            found.steps[sibling.slug], found.facts[sibling.slug] = sibling, have
    return found


def converge_any(step: Step[C, F], outputs: Outputs, run: Run[C]) -> Outcome:
    """Bring up the best choice that can be had and leave no other. Raises: as `converge`."""
    if isinstance(step, Alternatives):
        return _bring_one(step, outputs, run)
    if run.ledger.recorded(step.name) not in ("", step.slug):
        run.ledger.begin(step)  # under another slug it is another resource: a new generation, with a token of its own
    return converge(step, outputs, run)


def _bring_one(step: Alternatives[C, F], outputs: Outputs, run: Run[C]) -> Outcome:
    ledger = run.ledger
    if len(step.alternatives) == 1 and not ledger.elsewhere(step.name):
        try:
            return converge(step, outputs, run)
        except NeedsReplacementError as needs_replacement:
            ledger.tell(step.name, f"{needs_replacement.message}; making another one beside it")
    there = live_alternatives(step, run.client, run.owner)
    alternatives = named(step, there, run.client, outputs)
    others, reasons = dict(there.steps), dict[str, str]()
    recorded = ledger.recorded(step.name) or step.slug
    unfinished = "" if ledger.was_there(step.name) else recorded
    for choice in in_order(alternatives, there, unfinished, first=run.first_choice):
        if choice.slug in there.facts or choice.slug == recorded:
            ledger.adopt(choice)
        else:
            ledger.begin(choice)
        _give_up_unready([other for slug, other in others.items() if slug != choice.slug], run)
        try:
            before = there.serving(choice)
            heir = choice if before is None else successor(choice, before)
            outcome = converge(heir, outputs, _own_token(run, step, choice, there))
        except NoCapacityError as short:
            reasons[choice.label] = short.reason
            others[choice.slug], recorded = choice, ""
            ledger.remark(f"{step.name}: no capacity for {choice.label} ({short.reason}); giving it up")
            continue
        others.pop(choice.slug, None)
        _hand_on(choice, [there.facts[slug] for slug in others if slug in there.facts], run)
        _clear(step, others, run)
        return _told(alternatives, choice, _replaced(outcome, choice, alternatives, there), reasons)
    ledger.begin(step)  # the next run begins anew, with the first
    _give_up_unready(others.values(), run)
    said = "; ".join(f"{label}: {reason}" for label, reason in reasons.items())
    message = f"{step.name}: none of its choices has capacity: {said}"
    raise errors.ProvisioningError(message, NO_CHOICE_HINT)


def remove_all(step: Step[C, F], run: Run[C]) -> Outcome:
    """Delete whatever choice is there, all at the same time, and wait until none is left. Raises: as `remove`."""
    if not isinstance(step, Alternatives):
        return remove(step, run)
    recorded = run.ledger.recorded(step.name)
    main = _by_name(step).get(recorded, step)
    others = [s for s in step.siblings(run.client, fresh=True) if s.slug != main.slug and _is_its(s, step, run)]
    if not others:
        return remove(main, run)
    for each in (main, *others):
        _give_up(each, run)
    outcomes = [remove(each, run, settled=True) for each in (main, *others)]  # what was cut off has been found
    return next((outcome for outcome in outcomes if outcome.status is Status.DELETED), outcomes[0])


def named(step: AnyAlternative, there: LiveAlternatives, client: object, outputs: Outputs) -> Sequence[AnyAlternative]:
    """The step's choices, each under the name that it has or is to have.

    One that exists and can be updated to what is wanted keeps its name. Where the resource of a choice's name cannot be
    updated to it, the choice is made under its other name, beside that resource.
    """
    return tuple(_named(choice, there, client, outputs) for choice in step.alternatives)


def under_any_name(step: Step[C, F]) -> Mapping[str, Step[C, F]]:
    """The choices of a step, by each slug that their resources may have."""
    return _by_name(step) if isinstance(step, Alternatives) else {step.slug: step}


def _by_name(step: AnyAlternative) -> dict[str, AnyAlternative]:
    """Each by its own name, and by the one that it has when it was made again."""
    found: dict[str, AnyAlternative] = {}
    for choice in step.alternatives:
        again = (choice.renewed,) if choice.replacement.order is Order.CREATE_FIRST else ()
        for one in (choice, *again):
            found.setdefault(one.slug, one)
    return found


def _named(choice: AnyAlternative, there: LiveAlternatives, client: object, outputs: Outputs) -> AnyAlternative:
    if choice.replacement.order is not Order.CREATE_FIRST:
        return choice
    want = choice.desired(outputs)
    names = (choice, choice.renewed)
    for one in names:
        have = there.look(one, client)
        if have is not None and not needs_replacement(want, have):
            return one
    return next((one for one in names if one.slug not in there.facts), names[-1])


def _replaced(
    outcome: Outcome, choice: AnyAlternative, alternatives: Iterable[AnyAlternative], there: LiveAlternatives
) -> Outcome:
    """A new one that was made because an old one could not become so."""
    old = sorted(there.facts.keys() - {one.slug for one in alternatives})
    if outcome.status is not Status.CREATED or not old:
        return outcome
    return replace(outcome, status=Status.REPLACED, message=f"{choice.slug} stood before {', '.join(old)} went")


def in_order(
    alternatives: Sequence[AnyAlternative], there: LiveAlternatives, unfinished: str, *, first: bool
) -> list[AnyAlternative]:
    """The choices in the order in which they are tried, each once.

    What is ready comes first (unless the first choice is asked for), then what is on its way, then what the record
    says was begun, then the config's order from there round. What has failed for want of capacity comes last.
    """
    ready = [choice for choice in alternatives if there.state(choice) is PhaseState.READY]
    moving = [choice for choice in alternatives if there.state(choice) is PhaseState.MOVING]
    begun = [choice for choice in alternatives if choice.slug == unfinished]
    if first:
        best = alternatives[0]
    elif ready:
        best = ready[0]
    elif begun and (begun[0] in moving or all(_is_scarce(there.phase(choice)) for choice in moving)):
        best = begun[0]
    else:
        best = moving[-1] if moving else alternatives[0]
    at = alternatives.index(best)
    tried = list({choice.slug: choice for choice in (best, *ready, *alternatives[at:], *alternatives[:at])}.values())
    return sorted(tried, key=lambda choice: _is_scarce(there.phase(choice), PhaseState.FAILED))


def summary(alternatives: Sequence[AnyAlternative], choice: AnyAlternative) -> str:
    """Which of the choices it is, for people; empty for the first: one that was only made again is no later choice.

    `alternatives` are named as they stand: see `named`.
    """
    at = next((number for number, each in enumerate(alternatives) if each.slug == choice.slug), 0)
    return f"choice {at + 1} of {len(alternatives)}: {choice.label}" if at else ""


def _is_scarce(phase: Phase | None, state: PhaseState = PhaseState.MOVING) -> bool:
    return phase is not None and phase.scarce and phase.state is state


def _hand_on(choice: AnyAlternative, old: Iterable[Facts], run: Run[C]) -> None:
    """What others tagged the resources with that are about to go, also where an earlier run made the new one."""
    tagged = [have for have in old if tags_of_others(choice, have, run.tags)]
    new = choice.discover(run.client, fresh=True) if tagged else None
    if new is not None:
        for have in tagged:
            hand_on(choice, run.client, have, new, run.tags)


def _own_token(run: Run[C], step: AnyStep, choice: AnyAlternative, there: LiveAlternatives) -> Run[C]:
    """The run with tokens that differ by choice: under one token AWS would take two choices for one request.

    What else stands is part of it: where the state is lost, and with it the count of incarnations, AWS would answer for
    a first choice that was given up long ago. A create that is sent again under another token is known by its name.
    """
    others = [str(there.steps[slug].outputs(have)) for slug, have in there.facts.items() if slug != choice.slug]
    if choice.slug == step.slug and not others:
        return run
    return replace(run, salt="|".join((choice.slug, *sorted(others))))


def _is_its(other: AnyAlternative, step: AnyStep, run: Run[C]) -> bool:
    have = other.discover(run.client, fresh=True)
    return have is not None and is_ours(have.owner, run.owner) and have.owner.step in ("", step.name)


def _give_up(choice: AnyAlternative, run: Run[C], *, ready_too: bool = True) -> None:
    """Send the delete of a choice of ours, once; AWS may refuse it for now."""
    have = choice.discover(run.client, fresh=True)
    if have is None or not is_ours(have.owner, run.owner):
        return
    state = choice.phase(have).state
    if state is not PhaseState.LEAVING and (ready_too or state is not PhaseState.READY):
        choice.abandon(run.client, have)


def _give_up_unready(others: Iterable[AnyAlternative], run: Run[C]) -> None:
    """What is neither wanted nor ready goes at once; what is ready serves until another one does."""
    for other in others:
        _give_up(other, run, ready_too=False)


def _clear(step: AnyStep, others: Mapping[str, AnyAlternative], run: Run[C]) -> None:
    """Delete what is not wanted any more, as soon as AWS lets us, and wait until it is gone.

    Raises: ProvisioningError where a delete failed, WaitTimeoutError; running again goes on with it.
    """
    left, sent, began = dict(others), set[str](), run.clock.now()
    while left:
        for slug, other in list(left.items()):
            have = other.discover(run.client, fresh=True)
            if have is None or not is_ours(have.owner, run.owner):
                del left[slug]
                continue
            phase = other.phase(have)
            if phase.state is PhaseState.FAILED and slug in sent:
                raise errors.ProvisioningError(f"{step.name}: {slug} was given up and cannot go: {phase.message}")
            if phase.state is not PhaseState.LEAVING and other.abandon(run.client, have):
                sent.add(slug)
        if not left:
            return
        waited, named = run.clock.now() - began, ", ".join(sorted(left))
        if waited > step.timing.delete_limit_s:
            raise errors.WaitTimeoutError(
                f"{step.name}: {named} was given up and is still there after {waited:.0f} s",
                "run the same command again to wait on",
            )
        run.ledger.tell(step.name, f"waiting until {named}, which was given up, is gone")
        run.clock.sleep(poll_interval(waited, step.timing.delete_s, run.speed))


def _told(
    alternatives: Sequence[AnyAlternative], choice: AnyAlternative, outcome: Outcome, reasons: Mapping[str, str]
) -> Outcome:
    """The outcome; where the first choice could not be had, with what was chosen and why."""
    what = summary(alternatives, choice)
    if not what:
        return outcome
    why = "".join(f"; no capacity for {label}: {reason}" for label, reason in reasons.items())
    return replace(outcome, message="; ".join(part for part in (f"{what}{why}", outcome.message) if part))
