"""Laws of the preview and of the order of removal, over random graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hypothesis import given
from hypothesis import strategies as st
from support.graphs import graphs

from eksprov.core.change import Action
from eksprov.core.executor import Node
from eksprov.core.plan import World, nodes, preview, removal_nodes
from eksprov.core.step import READY, AnyStep, Outputs, Owner, Phase, PhaseState, Timing, Traits

US = Owner("shop", "id-1")


@dataclass(frozen=True)
class Facts:
    """A size, and what the step it needs made known."""

    size: int = 1
    of: str = ""
    state: PhaseState = PhaseState.READY
    owner: Owner | None = US


class Counter:
    """How often the contract was asked."""

    asked = 0


@dataclass(frozen=True)
class FakeStep(AnyStep):
    """A step that wants the identity of the first step it needs."""

    kind: ClassVar[str] = "thing"
    timing: ClassVar[Timing] = Timing(create_s=3, delete_s=5)
    counter: ClassVar[Counter] = Counter()

    def desired(self, outputs: Outputs) -> Facts:
        """The identity of what it needs; comparing counts."""
        self.counter.asked += 1
        return Facts(of=outputs.get(self.needs[0], "id") if self.needs else "")

    def outputs(self, have: Facts) -> dict[str, str]:
        """An identity."""
        self.counter.asked += 1
        return {"id": f"id of {self.name}"}

    def phase(self, have: Facts) -> Phase:
        """As found."""
        self.counter.asked += 1
        return READY if have.state is PhaseState.READY else Phase(have.state, "not well")

    def discover(self, client: Any, *, fresh: bool = False) -> Facts | None:
        """A preview never reads."""
        raise AssertionError

    create = delete = list_owned = discover  # type: ignore[assignment]  # a preview never acts


@dataclass(frozen=True)
class Forgiving(FakeStep):
    """One that is made again when it failed."""

    traits: ClassVar[Traits] = Traits(recreate_failed=True)


def steps_of(graph: list[Node]) -> list[FakeStep]:
    """Steps of a graph."""
    return [FakeStep(name=node.name, slug=node.name, needs=node.needs) for node in graph]


def as_wanted(steps: list[FakeStep]) -> dict[str, Facts | None]:
    """A world in which everything is there."""
    return {step.name: Facts(of=f"id of {step.needs[0]}" if step.needs else "") for step in steps}


@given(graphs())
def test_a_preview_of_the_wanted_world_has_no_changes_and_of_an_empty_one_creates_all(graph: list[Node]) -> None:
    steps = steps_of(graph)
    assert preview(steps, World(as_wanted(steps), US)).changes == ()
    assert preview(steps, World({}, US)).count(Action.CREATE) == len(steps)


def line(step: FakeStep, have: Any) -> Any:
    """The one line of a plan of one step."""
    return preview([step], World({step.name: have}, US)).lines[0]


def test_each_state_of_the_world_gets_its_word() -> None:
    step, again = FakeStep(name="a", slug="a"), Forgiving(name="a", slug="a")
    assert line(step, replace(Facts(), size=2)).change.action is Action.UPDATE
    assert line(step, Facts(state=PhaseState.LEAVING)).change.action is Action.CREATE
    assert line(step, Facts(state=PhaseState.FAILED)).problem == "not well"
    assert line(again, Facts(state=PhaseState.FAILED)).change.action is Action.REPLACE
    assert line(again, Facts(state=PhaseState.FAILED)).problem == ""
    assert "not this stack's" in line(step, Facts(owner=None)).problem


def test_what_will_be_made_anew_is_unknown_to_what_needs_it() -> None:
    one, two = Forgiving(name="a", slug="a"), FakeStep(name="b", slug="b", needs=("a",))
    world = {"a": Facts(state=PhaseState.FAILED), "b": Facts(of="id of a")}
    plan = preview([one, two], World(world, US))
    assert plan.lines[1].change.names == ("of",)


def test_orphans_are_deletions_at_the_end() -> None:
    step, orphan = FakeStep(name="a", slug="a"), FakeStep(name="z", slug="z")
    plan = preview([step], World({}, US), [orphan])
    assert [one.change.action for one in plan.lines] == [Action.CREATE, Action.DELETE]


def test_a_plan_gives_the_facts_of_a_type_and_no_others() -> None:
    steps = [FakeStep(name=name, slug=name) for name in "ab"]
    plan = preview(steps, World({"a": Facts(size=2)}, US), [FakeStep(name="z", slug="z")])
    assert [(one.name, want.size, have and have.size) for one, want, have in plan.of(Facts)] == [
        ("a", 1, 2),
        ("b", 1, None),
    ]

    @dataclass(frozen=True)
    class Others(Facts):
        """Facts of another type."""

    assert list(plan.of(Others)) == []


def test_what_was_not_read_is_known_as_it_is_recorded() -> None:
    two = FakeStep(name="b", slug="b", needs=("a",))
    world = World({"b": Facts(of="id of a")}, US, outputs=Outputs({"a": {"id": "id of a"}}))
    assert preview([two], world).changes == ()


def test_a_preview_asks_the_contract_a_fixed_number_of_times_a_step() -> None:
    def asked(count: int) -> int:
        steps = steps_of([Node(f"s{n}", (f"s{n - 1}",) if n else (), 1) for n in range(count)])
        FakeStep.counter.asked = 0
        preview(steps, World(as_wanted(steps), US))
        return FakeStep.counter.asked

    assert asked(1000) == 10 * asked(100)


@given(graphs(), st.data())
def test_removal_is_the_graph_turned_round_plus_what_a_step_outlives(graph: list[Node], data: st.DataObject) -> None:
    steps = steps_of(graph)
    extra = {step.name: data.draw(st.sets(st.sampled_from([s.name for s in steps]), max_size=1)) for step in steps}
    steps = [replace(step, outlives=tuple(sorted(extra[step.name]))) for step in steps]
    forward = {(node.name, need) for node in nodes(steps) for need in node.needs}
    backward = {(need, node.name) for node in removal_nodes(steps) for need in node.needs}
    assert backward == forward | {(other, name) for name, others in extra.items() for other in others}
    assert [node.expected_s for node in removal_nodes(steps)] == [5.0] * len(steps)


def test_removal_ignores_what_is_not_there() -> None:
    alone = FakeStep(name="a", slug="a", needs=("gone",), outlives=("gone too",))
    assert removal_nodes([alone])[0].needs == ()
