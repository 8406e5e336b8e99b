"""memory_mib against the model's size and the server's own: compared before anything is made."""

from __future__ import annotations

import gzip
import io
import pickle
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from support.configs import changed
from support.models import TINY_MODEL
from support.samples import spec
from support.stage import MODEL, Stage, Theatre, project, quick_start

from eksprov import errors
from eksprov.config.schema import Model
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.models import deploy, plan_models
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import Opened, open_stack
from eksprov.serving.inspection.package import read_package
from eksprov.serving.inspection.preview import preview
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN
from eksprov.serving.sizing import memory
from eksprov.serving.spec import MIB

FLOOR, USUAL = MLSERVER_SKLEARN.floor_mib, MLSERVER_SKLEARN.usual_mib


@pytest.mark.parametrize(
    ("has_mib", "model_mib", "level"),
    [
        (256, 656, "error"),  # seldon-core's issue 4348
        (1024, 656, "warning"),
        (2048, 656, None),
        (128, 1, "error"),
        (200, 1, "warning"),
        (256, 1, None),
        (FLOOR + 100, 100, "warning"),
        (FLOOR + 99, 100, "error"),
        (USUAL + 200, 100, None),
        (USUAL + 199, 100, "warning"),
        (128, 0, None),  # nothing is known of it
    ],
)
def test_memory_is_held_against_the_model(has_mib: int, model_mib: int, level: str | None) -> None:
    problem = memory(spec(memory_mib=has_mib), model_mib * MIB)
    assert (problem.level if problem else None) == level
    if problem:
        assert f"{USUAL + 2 * model_mib} MiB" in problem.hint
        assert f"{model_mib} MiB" in problem.message


def test_what_is_packed_counts_as_it_unpacks(tmp_path: Path) -> None:
    model = KNeighborsClassifier(algorithm="brute").fit(np.zeros((200_000, 4)), np.zeros(200_000))
    content = io.BytesIO()
    joblib.dump(model, content)
    for name, stored in {
        "model.joblib": content.getvalue(),
        "model.joblib.gz": gzip.compress(content.getvalue(), 1),
        "model.pkl": pickle.dumps(model),
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(stored)
        assert 6 * MIB < read_package(folder, "m", MLSERVER_SKLEARN).loaded_bytes < 9 * MIB


def _with_memory(memory_mib: int) -> Model:
    return Model(name=MODEL, path="model", memory_mib=memory_mib)


def test_a_preview_warns_and_is_silent_of_what_is_not_there(tmp_path: Path) -> None:
    assert preview(_with_memory(128), tmp_path) == ()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.joblib").write_bytes(TINY_MODEL)
    (told,) = preview(_with_memory(128), tmp_path)
    assert (told.level, told.path) == ("warning", f"models[{MODEL}].memory_mib")
    assert preview(_with_memory(1024), tmp_path) == ()
    (tmp_path / "model" / "model.joblib").write_bytes(b"")
    (told,) = preview(_with_memory(1024), tmp_path)
    assert (told.level, told.path) == ("warning", f"models[{MODEL}]")
    assert "is empty" in told.message


def test_a_model_that_cannot_fit_is_refused_before_any_call() -> None:
    small = {"name": MODEL, "path": "examples/digits/model", "memory_mib": 128}
    with Theatre().stage(changed(quick_start(), models=[small])) as stage:
        before = _opened(stage)
        assert "model-files" in {finding.name for finding in doctor(before, make_plan(before)).listed}
        assert provision(_opened(stage)).ok
        stage.tape.rewind()
        for refused in (deploy, plan_models):
            with pytest.raises(errors.ConfigError, match="both cannot fit"):
                refused(_opened(stage), [MODEL])
        assert stage.tape.mutating == []


def _opened(stage: Stage) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=True)
