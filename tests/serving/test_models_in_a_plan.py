"""What a plan says of models: to deploy, changed, as wanted, serving though the config names them no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.configs import changed
from support.models import TINY_MODEL
from support.stage import MODEL, Stage, Theatre, project, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.plan import Plan, Planned
from eksprov.kube.api import Ref
from eksprov.operations.commands.model_plan import NO_LONGER, models_ahead, offline_models
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import Opened, open_stack

DEPLOYMENT = Ref("apps/v1", "Deployment", "models", MODEL)


@dataclass
class Served:
    """A stack on a stage whose one model serves, from a folder of its own."""

    stage: Stage
    folder: Path

    def opened(self, config: Config | None = None) -> Opened:
        return open_stack(replace(self.stage.process(config), project=self.folder), mint=True)

    def told(self, config: Config | None = None) -> tuple[Plan, Plan]:
        """With the cluster asked, and by the record alone."""
        opened = self.opened(config)
        plan = models_ahead(opened, make_plan(opened))
        return plan, offline_models(config or self.stage.config, self.folder, self.stage.store)

    def both(self, config: Config | None = None) -> list[tuple[Planned, ...]]:
        return [plan.lines for plan in self.told(config)]

    def model(self, **keys: Any) -> Config:
        """The config with other values in its model."""
        [first] = self.stage.config.model_dump(mode="json", exclude_unset=True)["models"]
        return changed(self.stage.config, models=[{**first, **keys}])


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def empty(theatre: Theatre, tmp_path: Path) -> Iterator[Served]:
    shutil.copytree(project(), tmp_path / "project")
    with theatre.stage(quick_start()) as stage:
        yield Served(stage, tmp_path / "project")


@pytest.fixture
def served(empty: Served) -> Served:
    assert provision(empty.opened()).ok
    assert deploy(empty.opened(), [MODEL]).report.ok
    return empty


def actions(lines: tuple[Planned, ...]) -> dict[str, tuple[Action, str]]:
    return {line.name: (line.change.action, line.problem) for line in lines}


def test_of_a_stack_that_is_not_there_every_model_is_to_deploy(empty: Served) -> None:
    for lines in empty.both():
        assert actions(lines) == {f"model/{MODEL}": (Action.CREATE, "")}
        assert "1 to 3 replicas in namespace models" in lines[0].description


def test_a_model_that_was_not_deployed_yet_is_to_deploy(empty: Served) -> None:
    assert provision(empty.opened()).ok
    for lines in empty.both():
        assert actions(lines) == {f"model/{MODEL}": (Action.CREATE, "")}


def test_a_model_that_serves_as_the_config_says_is_as_wanted(served: Served) -> None:
    before = served.stage.world()
    for lines in served.both():
        assert actions(lines) == {f"model/{MODEL}": (Action.NONE, "")}
        assert lines[0].change.reason == ""
    assert served.stage.world() == before


@pytest.mark.parametrize("keys", [{"memory_mib": 900}, {"replicas": {"min": 2, "max": 4}}, {"target_cpu_percent": 50}])
def test_other_settings_are_a_change(served: Served, keys: dict[str, Any]) -> None:
    live, recorded = served.both(served.model(**keys))
    assert live[0].change.action is recorded[0].change.action is Action.UPDATE
    assert live[0].change.fields


def test_other_files_are_a_change(served: Served) -> None:
    (served.folder / "examples" / "digits" / "model" / "model.joblib").write_bytes(
        TINY_MODEL.replace(b"Classifier", b"Regressor")
    )
    live, recorded = served.both()
    assert live[0].change.action is recorded[0].change.action is Action.UPDATE
    assert "files digest" in live[0].change.names


def test_what_somebody_changed_in_the_cluster_is_a_change(served: Served) -> None:
    [kube] = served.stage.kubernetes.apis.values()
    kube.delete(Ref("v1", "Service", "models", MODEL))
    live, _ = served.told()
    assert live.lines[0].change.action is Action.UPDATE
    assert live.lines[0].change.names == ("service",)


def test_a_model_that_left_the_config_is_said_to_go_on_serving(served: Served) -> None:
    for lines in served.both(changed(served.stage.config, models=[])):
        assert actions(lines) == {f"model/{MODEL}": (Action.NONE, "")}
        assert lines[0].change.reason == NO_LONGER


def test_a_renamed_model_is_two(served: Served) -> None:
    for lines in served.both(served.model(name="other")):
        assert actions(lines) == {"model/other": (Action.CREATE, ""), f"model/{MODEL}": (Action.NONE, "")}
        assert [line.change.reason for line in lines if line.name == f"model/{MODEL}"] == [NO_LONGER]


def test_in_another_namespace_it_is_another_model(served: Served) -> None:
    for lines in served.both(served.model(namespace="elsewhere")):
        assert {(line.slug, line.change.action) for line in lines} == {
            (f"elsewhere/{MODEL}", Action.CREATE),
            (f"models/{MODEL}", Action.NONE),
        }


def test_with_the_state_lost_the_cluster_says_what_serves(served: Served) -> None:
    served.stage.store.forget()
    live, _ = served.told(changed(served.stage.config, models=[]))
    assert [(line.name, line.change.reason) for line in live.lines] == [(f"model/{MODEL}", NO_LONGER)]


def test_files_that_are_not_there_are_a_problem_of_that_model_alone(served: Served) -> None:
    [first] = served.stage.config.model_dump(mode="json", exclude_unset=True)["models"]
    config = changed(served.stage.config, models=[first, {"name": "later", "path": "models/later"}])
    for lines in served.both(config):
        one, other = lines
        assert (one.change.action, one.problem) == (Action.NONE, "")
        assert "there is no folder" in other.problem
        assert "train the model first" in other.problem


def test_a_cluster_that_does_not_answer_is_said(served: Served) -> None:
    opened = served.opened()
    plan = make_plan(opened)

    def refuse(_name: str, _outputs: object) -> Any:
        raise errors.AccessError("the API server does not answer")

    found = models_ahead(replace(opened, stack=replace(opened.stack, kube=refuse)), plan)
    assert found.notes == ("models are compared with the record alone: the API server does not answer",)
    assert found.lines == served.both()[1]
