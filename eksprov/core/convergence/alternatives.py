"""A step that may be had in several ways: one choice is brought up, and no other one is left.

`bring` is `converge` for such a step. It begins with the choice that is ready, else with the one that a run was cut
off in, else with the first. A choice without capacity is given up: the record names the next one, the delete of the old
one is sent, and the next one is asked for, with a token of its own. When one stands, all others are waited away. What
was given up is found by its tags in every run, so it is never forgotten, also where AWS refuses its delete for a while.

`take_away` is `remove`: whatever choice is there goes, and all of them at the same time.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eksprov import errors
from eksprov.core.convergence.converge import Run, converge, is_ours, remove
from eksprov.core.convergence.no_capacity import OutgrownError, ScarceError
from eksprov.core.convergence.pace import pause
from eksprov.core.convergence.succession import hand_on, successor, tags_of_others
from eksprov.core.outcome import Outcome, Status
from eksprov.core.replacement import Order, outgrown
from eksprov.core.step import AnyStep, C, F, Facts, Outputs, Owner, Phase, State, Step

NO_CHOICE_HINT = "run the same command again later, or let the config name other choices"


class Alternatives(Step[C, F]):
    """A step whose resource may be had in several ways, and stand beside the one that it replaces."""

    @property
    def choices(self) -> Sequence[Alternatives[C, F]]:
        """The ways in which it may be had, best first, each with a slug of its own; the first is this."""
        return (self,)

    @property
    @abstractmethod
    def label(self) -> str:
        """What tells this choice from the others, in a few words."""

    @property
    @abstractmethod
    def renewed(self) -> Alternatives[C, F]:
        """With CREATE_FIRST: this step under a second name, beside the resource that it replaces."""

    @abstractmethod
    def siblings(self, client: C, *, fresh: bool = False) -> Sequence[Alternatives[C, F]]:
        """Every live resource that may be this step's, whatever choice it is; its owner tag says whether it is."""

    @abstractmethod
    def give_up(self, client: C, have: F) -> bool:
        """Send the delete of a choice that is not wanted any more, once; False when AWS refuses it for now."""


AnyChoice = Alternatives[Any, Any]


@dataclass
class Standing:
    """The live resources of one step: which choice each is, and what was read of it."""

    steps: dict[str, AnyChoice] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)

    def look(self, one: AnyChoice, client: object) -> Facts | None:
        """What was read of a resource that stands, as this very choice reads it; None where it is not there."""
        if one.slug in self.facts and self.steps[one.slug] != one:
            have = one.discover(client)
            if have is None:
                return None
            self.steps[one.slug], self.facts[one.slug] = one, have
        return self.facts.get(one.slug)

    def phase(self, choice: AnyChoice) -> Phase | None:
        """The phase of a choice; None where it is not there."""
        return choice.phase(self.facts[choice.slug]) if choice.slug in self.facts else None

    def serving(self, choice: AnyChoice) -> Facts | None:
        """What was read of the resource that serves until the choice does; None where there is none to follow."""
        return self.facts.get(serving(self, choice))

    def state(self, choice: AnyChoice) -> State | None:
        """The state of a choice; None where it is not there."""
        phase = self.phase(choice)
        return phase.state if phase is not None else None


def serving(there: Standing, choice: AnyChoice) -> str:
    """The slug of what stands and serves until the choice, which is not there, does; empty where nothing does."""
    if choice.slug in there.steps:
        return ""
    return next((slug for slug in sorted(there.steps) if there.state(there.steps[slug]) is State.READY), "")


def standing(step: AnyChoice, client: object, us: Owner) -> Standing:
    """What is there of a step under any name; a stranger's is none of it."""
    found = Standing()
    for sibling in step.siblings(client):
        have = sibling.discover(client)
        if have is not None and is_ours(have.owner, us) and have.owner.step in ("", step.name):
            found.steps[sibling.slug], found.facts[sibling.slug] = sibling, have
    return found


def bring(step: Step[C, F], outputs: Outputs, run: Run[C]) -> Outcome:
    """Bring up the best choice that can be had and leave no other. Raises: as `converge`."""
    if isinstance(step, Alternatives):
        return _bring_one(step, outputs, run)
    if run.ledger.recorded(step.name) not in ("", step.slug):
        run.ledger.begin(step)  # what it was under its other name is another incarnation
    return converge(step, outputs, run)


def _bring_one(step: Alternatives[C, F], outputs: Outputs, run: Run[C]) -> Outcome:
    ledger = run.ledger
    if len(step.choices) == 1 and not ledger.elsewhere(step.name):
        try:
            return converge(step, outputs, run)
        except OutgrownError as outgrown:
            ledger.tell(step.name, f"{outgrown.message}; making another one beside it")
    there = standing(step, run.client, run.owner)
    choices = named(step, there, run.client, outputs)
    others, reasons = dict(there.steps), dict[str, str]()
    recorded = ledger.recorded(step.name) or step.slug
    unfinished = "" if ledger.was_there(step.name) else recorded
    for choice in in_order(choices, there, unfinished, first=run.first_choice):
        if choice.slug in there.facts or choice.slug == recorded:
            ledger.adopt(choice)
        else:
            ledger.begin(choice)
        _give_up_unready([other for slug, other in others.items() if slug != choice.slug], run)
        try:
            before = there.serving(choice)
            heir = choice if before is None else successor(choice, before)
            outcome = converge(heir, outputs, _own_token(run, step, choice, there))
        except ScarceError as short:
            reasons[choice.label] = short.reason
            others[choice.slug], recorded = choice, ""
            ledger.remark(f"{step.name}: no capacity for {choice.label} ({short.reason}); giving it up")
            continue
        others.pop(choice.slug, None)
        _hand_on(choice, [there.facts[slug] for slug in others if slug in there.facts], run)
        _clear(step, others, run)
        return _told(choices, choice, _replaced(outcome, choice, choices, there), reasons)
    ledger.begin(step)  # the next run begins anew, with the first
    _give_up_unready(others.values(), run)
    said = "; ".join(f"{label}: {reason}" for label, reason in reasons.items())
    message = f"{step.name}: none of its choices has capacity: {said}"
    raise errors.ProvisioningError(message, NO_CHOICE_HINT)


def take_away(step: Step[C, F], run: Run[C]) -> Outcome:
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


def named(step: AnyChoice, there: Standing, client: object, outputs: Outputs) -> Sequence[AnyChoice]:
    """The step's choices, each under the name that it has or is to have.

    One that stands and is what is wanted keeps its name. Where what stands under a choice's name cannot become so, the
    choice is made under another one, beside it.
    """
    return tuple(_named(choice, there, client, outputs) for choice in step.choices)


def under_any_name(step: Step[C, F]) -> Mapping[str, Step[C, F]]:
    """The ways to have a step, by every name that each may have."""
    return _by_name(step) if isinstance(step, Alternatives) else {step.slug: step}


def _by_name(step: AnyChoice) -> dict[str, AnyChoice]:
    """Each by its own name, and by the one that it has when it was made again."""
    found: dict[str, AnyChoice] = {}
    for choice in step.choices:
        again = (choice.renewed,) if choice.replacement.order is Order.CREATE_FIRST else ()
        for one in (choice, *again):
            found.setdefault(one.slug, one)
    return found


def _named(choice: AnyChoice, there: Standing, client: object, outputs: Outputs) -> AnyChoice:
    if choice.replacement.order is not Order.CREATE_FIRST:
        return choice
    want = choice.desired(outputs)
    names = (choice, choice.renewed)
    for one in names:
        have = there.look(one, client)
        if have is not None and not outgrown(want, have):
            return one
    return next((one for one in names if one.slug not in there.facts), names[-1])


def _replaced(outcome: Outcome, choice: AnyChoice, choices: Iterable[AnyChoice], there: Standing) -> Outcome:
    """A new one that was made because an old one could not become so."""
    old = sorted(there.facts.keys() - {one.slug for one in choices})
    if outcome.status is not Status.CREATED or not old:
        return outcome
    return replace(outcome, status=Status.REPLACED, message=f"{choice.slug} stood before {', '.join(old)} went")


def in_order(choices: Sequence[AnyChoice], there: Standing, unfinished: str, *, first: bool) -> list[AnyChoice]:
    """The choices in the order in which they are tried, each once.

    What is ready comes first (unless the first choice is asked for), then what is on its way, then what the record
    says was begun, then the config's order from there round. What has failed for want of capacity comes last.
    """
    ready = [choice for choice in choices if there.state(choice) is State.READY]
    moving = [choice for choice in choices if there.state(choice) is State.MOVING]
    begun = [choice for choice in choices if choice.slug == unfinished]
    if first:
        best = choices[0]
    elif ready:
        best = ready[0]
    elif begun and (begun[0] in moving or all(_is_scarce(there.phase(choice)) for choice in moving)):
        best = begun[0]
    else:
        best = moving[-1] if moving else choices[0]
    at = choices.index(best)
    tried = list({choice.slug: choice for choice in (best, *ready, *choices[at:], *choices[:at])}.values())
    return sorted(tried, key=lambda choice: _is_scarce(there.phase(choice), State.FAILED))


def summary(choices: Sequence[AnyChoice], choice: AnyChoice) -> str:
    """Which of the choices it is, for people; empty for the first: one that was only made again is no later choice.

    `choices` are named as they stand: see `named`.
    """
    at = next((number for number, each in enumerate(choices) if each.slug == choice.slug), 0)
    return f"choice {at + 1} of {len(choices)}: {choice.label}" if at else ""


def _is_scarce(phase: Phase | None, state: State = State.MOVING) -> bool:
    return phase is not None and phase.scarce and phase.state is state


def _hand_on(choice: AnyChoice, old: Iterable[Facts], run: Run[C]) -> None:
    """What others tagged the resources with that are about to go, also where an earlier run made the new one."""
    tagged = [have for have in old if tags_of_others(choice, have, run.tags)]
    new = choice.discover(run.client, fresh=True) if tagged else None
    if new is not None:
        for have in tagged:
            hand_on(choice, run.client, have, new, run.tags)


def _own_token(run: Run[C], step: AnyStep, choice: AnyChoice, there: Standing) -> Run[C]:
    """The run with tokens that differ by choice: under one token AWS would take two choices for one request.

    What else stands is part of it: where the state is lost, and with it the count of incarnations, AWS would answer for
    a first choice that was given up long ago. A create that is sent again under another token is known by its name.
    """
    others = [str(there.steps[slug].outputs(have)) for slug, have in there.facts.items() if slug != choice.slug]
    if choice.slug == step.slug and not others:
        return run
    return replace(run, salt="|".join((choice.slug, *sorted(others))))


def _is_its(other: AnyChoice, step: AnyStep, run: Run[C]) -> bool:
    have = other.discover(run.client, fresh=True)
    return have is not None and is_ours(have.owner, run.owner) and have.owner.step in ("", step.name)


def _give_up(choice: AnyChoice, run: Run[C], *, ready_too: bool = True) -> None:
    """Send the delete of a choice of ours, once; AWS may refuse it for now."""
    have = choice.discover(run.client, fresh=True)
    if have is None or not is_ours(have.owner, run.owner):
        return
    state = choice.phase(have).state
    if state is not State.LEAVING and (ready_too or state is not State.READY):
        choice.give_up(run.client, have)


def _give_up_unready(others: Iterable[AnyChoice], run: Run[C]) -> None:
    """What is neither wanted nor ready goes at once; what is ready serves until another one does."""
    for other in others:
        _give_up(other, run, ready_too=False)


def _clear(step: AnyStep, others: Mapping[str, AnyChoice], run: Run[C]) -> None:
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
            if phase.state is State.FAILED and slug in sent:
                raise errors.ProvisioningError(f"{step.name}: {slug} was given up and cannot go: {phase.message}")
            if phase.state is not State.LEAVING and other.give_up(run.client, have):
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
        run.clock.sleep(pause(waited, step.timing.delete_s, run.speed))


def _told(choices: Sequence[AnyChoice], choice: AnyChoice, outcome: Outcome, reasons: Mapping[str, str]) -> Outcome:
    """The outcome; where the first choice could not be had, with what was chosen and why."""
    what = summary(choices, choice)
    if not what:
        return outcome
    why = "".join(f"; no capacity for {label}: {reason}" for label, reason in reasons.items())
    return replace(outcome, message="; ".join(part for part in (f"{what}{why}", outcome.message) if part))
