"""scikit-learn's pickles: packed with what they take, and really served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from support.flavours import packed, served

from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME

ROWS = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [9.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def model() -> Any:
    numbers = np.random.default_rng(7).normal(size=(80, 3))
    return LinearRegression().fit(numbers, numbers[:, 0] * 2 + numbers[:, 2])


@pytest.mark.parametrize("name", ["model.joblib", "anything.pkl", "model.joblib.gz", "model"])
def test_a_pickle_is_packed_with_the_columns_that_it_takes(model: Any, name: str, tmp_path: Path) -> None:
    joblib.dump(model, tmp_path / name)
    said = packed(tmp_path, RUNTIME)
    assert said["implementation"] == "mlserver_sklearn.SKLearnModel"
    assert said["parameters"]["uri"] == f"./{name}"
    assert said["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 3]}]


@pytest.mark.real_time
def test_it_answers_as_the_library_does(model: Any, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    joblib.dump(model, tmp_path / "m" / "model.joblib")
    asked, answer = served(tmp_path / "m", RUNTIME, ROWS, tmp_path / "served")
    assert (asked.failure, asked.note) == ("", "")
    assert answer == pytest.approx([float(one) for one in model.predict(np.array(ROWS))])
