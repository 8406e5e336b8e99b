"""XGBoost's own files: told from others, packed with what they take, and really served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from support.flavours import packed, served

from eksprov import errors
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.mlserver_xgboost import RUNTIME

ROWS = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [9.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def model() -> Any:
    numbers = np.random.default_rng(7).normal(size=(80, 3))
    return xgboost.XGBRegressor(n_estimators=5, max_depth=2).fit(numbers, numbers[:, 0] * 2 + numbers[:, 2])


@pytest.mark.parametrize("name", ["model.json", "model.ubj", "anything.json"])
def test_a_model_in_its_own_format_is_packed_with_the_columns_that_it_takes(
    model: Any, name: str, tmp_path: Path
) -> None:
    model.save_model(tmp_path / name)
    (tmp_path / "notes.json").write_text('{"notes": "none"}')
    said = packed(tmp_path, RUNTIME)
    assert said["implementation"] == "mlserver_xgboost.XGBoostModel"
    assert said["parameters"]["uri"] == f"./{name}"
    assert said["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 3]}]


@pytest.mark.real_time
def test_it_answers_as_the_library_does(model: Any, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    model.save_model(tmp_path / "m" / "model.json")
    asked, answer = served(tmp_path / "m", RUNTIME, ROWS, tmp_path / "served")
    assert (asked.failure, asked.note) == ("", "")
    assert answer == pytest.approx([float(one) for one in model.predict(np.array(ROWS))])


def test_other_files_are_refused_for_what_they_are(model: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    model.save_model(file)
    file.write_bytes(file.read_bytes()[:-200])
    for content, said in ((None, "is cut off"), (b"<html>", "an HTML page"), (b"tree\nversion=v4\n", "LightGBM's")):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(errors.UsageError, match=said):
            read_package(tmp_path, "m", RUNTIME)
