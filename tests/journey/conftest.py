"""One world for the folder: made, provisioned and served when a test first asks for it, ended after the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.journey import Done, Project
from support.programs import control_plane_programs


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project folder with a trained model; its world is ended at the end, and no process stays."""
    control_plane_programs()
    project = Project(tmp_path_factory.mktemp("journey"))
    project.train()
    yield project
    ended = project("local", "down", "--yes")
    assert ended.code == 0, ended.err
    assert project.processes() == []


@pytest.fixture(scope="session")
def provisioned(journey: Project) -> Done:
    """`eksprov provision`, once."""
    return journey("provision")


@pytest.fixture(scope="session")
def served(journey: Project, provisioned: Done) -> Done:
    """`eksprov deploy-model`, once."""
    assert provisioned.code == 0, provisioned.err
    return journey("deploy-model")


@pytest.fixture(scope="session")
def kubeconfig(journey: Project, provisioned: Done) -> Path:
    """A kubeconfig of its own."""
    assert provisioned.code == 0, provisioned.err
    path = journey.folder / "kube.config"
    done = journey("kubeconfig", "--file", str(path))
    assert done.code == 0, done.err
    return path
