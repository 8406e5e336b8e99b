"""Every line of a plan that creates says what: of every kind, from what is wanted of it, with AWS asked or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.configs import EXAMPLES, changed, example
from support.stage import EVERYTHING, MODEL, MemoryStore, Stage, Theatre, everything, project, quick_start

from eksprov.config.schema import Config
from eksprov.core.change import UNKNOWN, Action
from eksprov.core.convergence.external import External
from eksprov.core.plan import Plan, Planned, World, preview
from eksprov.core.step import Step
from eksprov.operations.commands.models import graph, model_of, packaged
from eksprov.operations.commands.plan import Records, make_plan, offline_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.kinds import KINDS
from eksprov.operations.stack import Opened, open_stack
from eksprov.state.record import State

CONFIGS = (quick_start, *(lambda name=name: everything(name) for name in EVERYTHING))
MADE = {kind for kind in KINDS if not (issubclass(kind, External) or kind.traits.silent)}
FOLDERS = sorted(path.parent.name for path in EXAMPLES.glob("*/eksprov.yaml"))


def told(plan: Plan) -> dict[str, str]:
    """What the lines that create say, by step; each of them says something, and nothing that is not known yet."""
    lines = {line.name: line.description for line in plan.lines if line.change.action is Action.CREATE}
    assert lines
    assert [name for name, text in lines.items() if not text.strip() or UNKNOWN in text] == []
    return lines


def opened(stage: Stage) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=True)


@pytest.fixture(params=CONFIGS)
def stage(theatre: Theatre, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with theatre.stage(request.param()) as stage:
        yield stage


def test_every_kind_that_is_made_says_what_it_is_going_to_be() -> None:
    """Not its name alone, which every kind has: a kind without words of its own is a kind whose lines say nothing."""
    assert [kind.kind for kind in MADE if kind.describe is Step.describe] == []


def test_every_line_that_creates_says_what(stage: Stage) -> None:
    told(make_plan(opened(stage)))


def test_every_kind_is_in_a_plan_of_some_stack(theatre: Theatre) -> None:
    """The law above goes through all of them, those of a model too."""
    seen: set[str] = set()
    for config in CONFIGS:
        with theatre.stage(config()) as stage:
            seen |= {line.kind for line in make_plan(opened(stage)).lines if line.description}
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        known = opened(stage)
        spec, package = packaged(known, model_of(known, MODEL))
        [api] = stage.kubernetes.apis.values()
        lines = make_plan(known, graph(known, spec, package), api).lines
        assert all(line.description for line in lines if line.change.action is Action.CREATE)
        seen |= {line.kind for line in lines if line.description}
    assert seen == {kind.kind for kind in MADE}


def test_what_is_told_is_what_is_wanted(theatre: Theatre) -> None:
    with theatre.stage(changed(quick_start(), kubernetes_version="1.35")) as stage:
        lines = told(make_plan(opened(stage)))
    assert lines["vpc"] == "10.0.0.0/16"
    assert lines["cluster"].startswith("Kubernetes 1.35, ")
    assert lines["node-group/workers"] == "2 x m7i.large ON_DEMAND in 2 zones, 1 to 3 nodes"
    assert lines["subnet/private-1"].startswith("10.0.0.0/19 in usw2-az")
    assert lines["launch-template/workers"].startswith("50 GiB gp3 root volume")


def test_a_node_group_says_how_it_is_bought_and_where() -> None:
    groups = [
        {"name": "one", "instance_types": ["g6.xlarge", "g5.xlarge"], "capacity_type": "SPOT", "desired_size": 1},
        {"name": "two", "instance_types": ["m7i.large"], "desired_size": 1, "max_size": 1, "zone_ids": ["usw2-az1"]},
    ]
    plan = offline_plan(changed(quick_start(), node_groups=groups), MemoryStore("x"))
    lines = told(plan)
    assert lines["node-group/one"].startswith("1 x g6.xlarge/g5.xlarge SPOT in 2 zones")
    assert lines["node-group/two"] == "1 x m7i.large ON_DEMAND in usw2-az1"


@pytest.mark.parametrize("config", CONFIGS)
def test_offline_a_stack_that_was_never_made_lists_all_its_resources(theatre: Theatre, config: object) -> None:
    """As many as with AWS asked, but for those that follow from what EC2 says of instance types."""
    assert callable(config)
    with theatre.stage(config()) as stage:
        offline, online = offline_plan(stage.config, stage.store), make_plan(opened(stage))
    named = [{line.kind for line in plan.lines} for plan in (offline, online)]
    assert named[1] - named[0] <= {"controller-object", "service-linked-role"}
    told(offline)
    assert any("nothing is recorded of this stack" in note for note in offline.notes)


@pytest.mark.parametrize("name", FOLDERS)
def test_offline_every_example_is_listed(name: str) -> None:
    config: Config = example(name)
    plan = offline_plan(config, MemoryStore(config.name))
    told(plan)
    borrowed = {kind.kind for kind in KINDS if issubclass(kind, External)}
    assert {line.change.action for line in plan.lines if line.kind in borrowed} <= {Action.NONE}


def test_world_and_record_are_planned_alike(stage: Stage) -> None:
    """One planner, whoever says what is there: of nothing the same lines in the same order, of all no change."""
    known = opened(stage)
    steps = [step for step in known.steps if not step.traits.silent]
    sources = (World({}, known.us), Records(State(stage.config.name)))
    first, second = ([_what(line) for line in preview(steps, source).lines] for source in sources)
    assert first == second
    assert provision(known).ok
    known = opened(stage)
    assert make_plan(known).changes == offline_plan(stage.config, stage.store).changes == ()
    assert [step.name for step in known.steps if step.traits.recorded and not known.state.is_as_recorded(step)] == []


def _what(line: Planned) -> tuple[str, str, str, Action, str]:
    return line.name, line.kind, line.slug, line.change.action, line.description


def test_what_stands_is_described_nowhere(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        assert provision(opened(stage)).ok
        assert {line.description for line in make_plan(opened(stage)).lines} == {""}
