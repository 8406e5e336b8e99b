"""A step that may be had in several ways: one choice is brought up, and no other one is left.

`bring` is `converge` for such a step. It begins with the choice that is ready, else with the one that a run was cut
off in, else with the first. A choice without capacity is given up: the record names the next one, the delete of the old
one is sent, and the next one is asked for, with a token of its own. When one stands, all others are waited away. What
was given up is found by its tags in every run, so it is never forgotten, also where AWS refuses its delete for a while.

`take_away` is `remove`: whatever choice is there goes, and all of them at the same time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eksprov import errors
from eksprov.core.choosing import OutgrownError, ScarceError
from eksprov.core.converge import Run, converge, is_ours, remove
from eksprov.core.outcome import Outcome, Status
from eksprov.core.pace import pause
from eksprov.core.replacement import Order, outgrown
from eksprov.core.step import AnyStep, Outputs, Owner, Phase, State
from eksprov.core.succession import hand_on, tags_of_others

NO_CHOICE_HINT = "run the same command again later, or let the config name other choices"


@dataclass
class Standing:
    """The live resources of one step: which choice each is, and what was read of it."""

    steps: dict[str, AnyStep] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def look(self, one: AnyStep, client: Any) -> Any | None:
        """What was read of a resource that stands, as this very choice reads it; None where it is not there."""
        if one.slug in self.facts and self.steps[one.slug] != one:
            have = one.discover(client)
            if have is None:
                return None
            self.steps[one.slug], self.facts[one.slug] = one, have
        return self.facts.get(one.slug)

    def phase(self, choice: AnyStep) -> Phase | None:
        """The phase of a choice; None where it is not there."""
        return choice.phase(self.facts[choice.slug]) if choice.slug in self.facts else None

    def serving(self, choice: AnyStep) -> Any | None:
        """What was read of the resource that serves until the choice does; None where there is none to follow."""
        return self.facts.get(serving(self, choice))

    def state(self, choice: AnyStep) -> State | None:
        """The state of a choice; None where it is not there."""
        phase = self.phase(choice)
        return phase.state if phase is not None else None


def serving(there: Standing, choice: AnyStep) -> str:
    """The slug of what stands and serves until the choice, which is not there, does; empty where nothing does."""
    if choice.slug in there.steps:
        return ""
    return next((slug for slug in sorted(there.steps) if there.state(there.steps[slug]) is State.READY), "")


def standing(step: AnyStep, client: Any, us: Owner) -> Standing:
    """What is there of a step under any name; a stranger's is none of it."""
    found = Standing()
    for sibling in step.siblings(client):
        have = sibling.discover(client)
        if have is not None and is_ours(have.owner, us) and have.owner.step in ("", step.name):
            found.steps[sibling.slug], found.facts[sibling.slug] = sibling, have
    return found


def bring(step: AnyStep, client: Any, outputs: Outputs, run: Run) -> Outcome:
    """Bring up the best choice that can be had and leave no other. Raises: as `converge`."""
    choosing = run.choosing
    if len(step.choices) == 1 and not choosing.elsewhere(step.name):
        try:
            return converge(step, client, outputs, run)
        except OutgrownError as outgrown:
            run.tell(step.name, f"{outgrown.message}; making another one beside it")
    there = standing(step, client, run.owner)
    choices = named(step, there, client, outputs)
    others, reasons = dict(there.steps), dict[str, str]()
    recorded = choosing.recorded(step.name) or step.slug
    for choice in in_order(choices, there, recorded if not run.was_there(step.name) else "", first=choosing.first):
        if choice.slug in there.facts or choice.slug == recorded:
            choosing.adopt(choice)
        else:
            choosing.begin(choice)
        _give_up_unready([other for slug, other in others.items() if slug != choice.slug], client, run)
        try:
            before = there.serving(choice)
            heir = choice if before is None else choice.succeeding(before)
            outcome = converge(heir, client, outputs, _own_token(run, step, choice, there))
        except ScarceError as short:
            reasons[choice.label] = short.reason
            others[choice.slug], recorded = choice, ""
            choosing.note(f"{step.name}: no capacity for {choice.label} ({short.reason}); giving it up")
            continue
        others.pop(choice.slug, None)
        _hand_on(choice, [there.facts[slug] for slug in others if slug in there.facts], client, run)
        _clear(step, others, client, run)
        return _told(choices, choice, _replaced(outcome, choice, choices, there), reasons)
    choosing.begin(step)  # the next run begins anew, with the first
    _give_up_unready(others.values(), client, run)
    said = "; ".join(f"{label}: {reason}" for label, reason in reasons.items())
    message = f"{step.name}: none of its choices has capacity: {said}"
    raise errors.ProvisioningError(message, NO_CHOICE_HINT)


def take_away(step: AnyStep, client: Any, run: Run) -> Outcome:
    """Delete whatever choice is there, all at the same time, and wait until none is left. Raises: as `remove`."""
    recorded = run.choosing.recorded(step.name)
    main = under_any_name(step).get(recorded, step)
    others = [s for s in step.siblings(client, fresh=True) if s.slug != main.slug and _is_its(s, step, client, run)]
    if not others:
        return remove(main, client, run)
    for each in (main, *others):
        _give_up(each, client, run)
    settled = replace(run, unsettled=lambda _: False)  # what was cut off has been found
    outcomes = [remove(each, client, settled) for each in (main, *others)]
    return next((outcome for outcome in outcomes if outcome.status is Status.DELETED), outcomes[0])


def named(step: AnyStep, there: Standing, client: Any, outputs: Outputs) -> tuple[AnyStep, ...]:
    """The step's choices, each under the name that it has or is to have.

    One that stands and is what is wanted keeps its name. Where what stands under a choice's name cannot become so, the
    choice is made under another one, beside it.
    """
    return tuple(_named(choice, there, client, outputs) for choice in step.choices)


def under_any_name(step: AnyStep) -> dict[str, AnyStep]:
    """The step's choices by every name that each may have: its own, and the one it has when it was made again."""
    found: dict[str, AnyStep] = {}
    for choice in step.choices:
        again = (choice.renewed,) if choice.replacement.order is Order.CREATE_FIRST else ()
        for one in (choice, *again):
            found.setdefault(one.slug, one)
    return found


def _named(choice: AnyStep, there: Standing, client: Any, outputs: Outputs) -> AnyStep:
    if choice.replacement.order is not Order.CREATE_FIRST:
        return choice
    want = choice.desired(outputs)
    names = (choice, choice.renewed)
    for one in names:
        have = there.look(one, client)
        if have is not None and not outgrown(want, have):
            return one
    return next((one for one in names if one.slug not in there.facts), names[-1])


def _replaced(outcome: Outcome, choice: AnyStep, choices: Iterable[AnyStep], there: Standing) -> Outcome:
    """A new one that was made because an old one could not become so."""
    old = sorted(there.facts.keys() - {one.slug for one in choices})
    if outcome.status is not Status.CREATED or not old:
        return outcome
    return replace(outcome, status=Status.REPLACED, message=f"{choice.slug} stood before {', '.join(old)} went")


def in_order(choices: tuple[AnyStep, ...], there: Standing, unfinished: str, *, first: bool) -> list[AnyStep]:
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


def summary(choices: Sequence[AnyStep], choice: AnyStep) -> str:
    """Which of the choices it is, for people; empty for the first: one that was only made again is no later choice.

    `choices` are named as they stand: see `named`.
    """
    at = next((number for number, each in enumerate(choices) if each.slug == choice.slug), 0)
    return f"choice {at + 1} of {len(choices)}: {choice.label}" if at else ""


def _is_scarce(phase: Phase | None, state: State = State.MOVING) -> bool:
    return phase is not None and phase.scarce and phase.state is state


def _hand_on(choice: AnyStep, old: Iterable[Any], client: Any, run: Run) -> None:
    """What others tagged the resources with that are about to go, also where an earlier run made the new one."""
    tagged = [have for have in old if tags_of_others(choice, have, run.tags)]
    new = choice.discover(client, fresh=True) if tagged else None
    for have in tagged if new is not None else ():
        hand_on(choice, client, have, new, run.tags)


def _own_token(run: Run, step: AnyStep, choice: AnyStep, there: Standing) -> Run:
    """The run with tokens that differ by choice: under one token AWS would take two choices for one request.

    What else stands is part of it: where the state is lost, and with it the count of incarnations, AWS would answer for
    a first choice that was given up long ago. A create that is sent again under another token is known by its name.
    """
    others = [str(there.steps[slug].outputs(have)) for slug, have in there.facts.items() if slug != choice.slug]
    if choice.slug == step.slug and not others:
        return run
    more = "|".join((choice.slug, *sorted(others)))
    return replace(run, token=lambda name: hashlib.sha256(f"{run.token(name)}|{more}".encode()).hexdigest())


def _is_its(other: AnyStep, step: AnyStep, client: Any, run: Run) -> bool:
    have = other.discover(client, fresh=True)
    return have is not None and is_ours(have.owner, run.owner) and have.owner.step in ("", step.name)


def _give_up(choice: AnyStep, client: Any, run: Run, *, ready_too: bool = True) -> None:
    """Send the delete of a choice of ours, once; AWS may refuse it for now."""
    have = choice.discover(client, fresh=True)
    if have is None or not is_ours(have.owner, run.owner):
        return
    state = choice.phase(have).state
    if state is not State.LEAVING and (ready_too or state is not State.READY):
        choice.give_up(client, have)


def _give_up_unready(others: Iterable[AnyStep], client: Any, run: Run) -> None:
    """What is neither wanted nor ready goes at once; what is ready serves until another one does."""
    for other in others:
        _give_up(other, client, run, ready_too=False)


def _clear(step: AnyStep, others: Mapping[str, AnyStep], client: Any, run: Run) -> None:
    """Delete what is not wanted any more, as soon as AWS lets us, and wait until it is gone.

    Raises: ProvisioningError where a delete failed, WaitTimeoutError; running again goes on with it.
    """
    left, sent, began = dict(others), set[str](), run.clock.now()
    while left:
        for slug, other in list(left.items()):
            have = other.discover(client, fresh=True)
            if have is None or not is_ours(have.owner, run.owner):
                del left[slug]
                continue
            phase = other.phase(have)
            if phase.state is State.FAILED and slug in sent:
                raise errors.ProvisioningError(f"{step.name}: {slug} was given up and cannot go: {phase.message}")
            if phase.state is not State.LEAVING and other.give_up(client, have):
                sent.add(slug)
        if not left:
            return
        waited, named = run.clock.now() - began, ", ".join(sorted(left))
        if waited > step.timing.delete_limit_s:
            raise errors.WaitTimeoutError(
                f"{step.name}: {named} was given up and is still there after {waited:.0f} s",
                "run the same command again to wait on",
            )
        run.tell(step.name, f"waiting until {named}, which was given up, is gone")
        run.clock.sleep(pause(waited, step.timing.delete_s, run.speed))


def _told(choices: Sequence[AnyStep], choice: AnyStep, outcome: Outcome, reasons: Mapping[str, str]) -> Outcome:
    """The outcome; where the first choice could not be had, with what was chosen and why."""
    what = summary(choices, choice)
    if not what:
        return outcome
    why = "".join(f"; no capacity for {label}: {reason}" for label, reason in reasons.items())
    return replace(outcome, message="; ".join(part for part in (f"{what}{why}", outcome.message) if part))
