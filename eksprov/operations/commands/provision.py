"""Bring a stack to what its config says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eksprov.aws.faults import translated
from eksprov.core.convergence.succession import hand_on, tags_of_others
from eksprov.core.names import is_models
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import Facts
from eksprov.operations.addons import refuse_wrong_addons
from eksprov.operations.addresses import refuse_another_family
from eksprov.operations.apply import Applier
from eksprov.operations.commands.forecast import guard
from eksprov.operations.displaced import displaced
from eksprov.operations.given_roles import refuse_moved_roles, refuse_wrong_roles
from eksprov.operations.own_access import lost_access
from eksprov.operations.pinning import refuse_stale
from eksprov.operations.rebuilding import rebuilt
from eksprov.operations.stack import Opened
from eksprov.state.record import State


@dataclass(frozen=True)
class Report:
    """What a run did, step by step."""

    outcomes: tuple[Outcome, ...]  # of every step, in the order they came
    state: State  # as the run left it
    seconds: float  # how long the run took

    @property
    def ok(self) -> bool:
        """Whether every step is as wanted."""
        return all(outcome.good for outcome in self.outcomes)

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped the run."""
        return any(outcome.status is Status.INTERRUPTED for outcome in self.outcomes)

    def count(self, *statuses: Status) -> int:
        """How many steps ended with this status."""
        return sum(outcome.status in statuses for outcome in self.outcomes)


def provision(opened: Opened) -> Report:
    """Converge every step, then remove what the config no longer names. The caller holds the stack's lock."""
    opened = rebuilt(opened, is_models)  # the rest is read and recorded as the run goes
    applier = Applier(opened, opens_api=True)
    began = opened.stack.clock.now()
    refuse_another_family(opened)
    refuse_stale(opened.stack.pins, opened.settled.kubernetes_version)
    refuse_wrong_addons(opened)
    refuse_moved_roles(opened)
    doubts = refuse_wrong_roles(opened, opened.steps)
    guard(opened)
    if opened.state != opened.stack.store.load():
        applier.save()  # the stack id and what is settled are on disk before the first create
    for note in (*doubts, *lost_access(opened)):
        opened.stack.progress.note(note)
    outcomes, gone = _make_room(applier)
    if all(outcome.good for outcome in outcomes):
        outcomes += applier.converge_all(opened.steps)
    _hand_on(opened, gone, outcomes)
    orphans = opened.orphans
    if orphans and all(outcome.good for outcome in outcomes):
        outcomes += applier.remove_all(orphans)
    if all(outcome.good for outcome in outcomes):
        applier.tagged()
    return Report(tuple(outcomes), applier.state, opened.stack.clock.now() - began)


def _make_room(applier: Applier) -> tuple[list[Outcome], dict[str, Facts]]:
    """Remove what cannot be updated to what is wanted, and what depends on it; the walk makes both again, in order.

    Also: what was read of each that others have tagged.
    """
    gone, opened = displaced(applier.opened), applier.opened
    if not gone:
        return [], {}
    going = [step for step in opened.steps if step.name in gone]
    found = opened.read_all(going)
    tagged = {s.name: have for s in going if (have := found[s.name]) and tags_of_others(s, have, opened.tags)}
    outcomes = applier.remove_all(going)
    applier.forget()
    return outcomes, tagged


def _hand_on(opened: Opened, gone: Mapping[str, Facts], outcomes: Iterable[Outcome]) -> None:
    """Give what was made again the tags that others gave the ones before."""
    made = {outcome.name for outcome in outcomes if outcome.status is Status.CREATED}
    for step in (step for step in opened.steps if step.name in gone.keys() & made):
        have = opened.read(step, fresh=True)
        if have is not None:
            with translated(f"tag {step.name}"):
                hand_on(step, opened.aws, gone[step.name], have, opened.tags)
