"""LightGBM's own files: told from others, packed with what they take, and really served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from support.flavours import packed, served

from eksprov import errors
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.mlserver_lightgbm import RUNTIME

ROWS = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [9.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def model() -> Any:
    numbers = np.random.default_rng(7).normal(size=(80, 3))
    data = lightgbm.Dataset(numbers, numbers[:, 0] * 2 + numbers[:, 2])
    return lightgbm.train({"objective": "regression", "verbose": -1, "min_data_in_leaf": 5}, data, num_boost_round=5)


@pytest.mark.parametrize("name", ["model.bst", "model.txt"])
def test_a_model_in_its_own_format_is_packed_with_the_columns_that_it_takes(
    model: Any, name: str, tmp_path: Path
) -> None:
    model.save_model(tmp_path / name)
    (tmp_path / "requirements.txt").write_text("lightgbm\n")
    said = packed(tmp_path, RUNTIME)
    assert said["implementation"] == "mlserver_lightgbm.LightGBMModel"
    assert said["parameters"]["uri"] == f"./{name}"
    assert said["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 3]}]


@pytest.mark.real_time
def test_it_answers_as_the_library_does(model: Any, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    model.save_model(tmp_path / "m" / "model.txt")
    asked, answer = served(tmp_path / "m", RUNTIME, ROWS, tmp_path / "served")
    assert (asked.failure, asked.note) == ("", "")
    assert answer == pytest.approx([float(one) for one in model.predict(np.array(ROWS))])


def test_other_files_are_refused_for_what_they_are(model: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.bst"
    model.save_model(file)
    file.write_bytes(file.read_bytes()[:200])
    json_dump = b'{"name": "tree", "version": "v4", "tree_info": []}'
    for content, said in ((None, "is cut off"), (json_dump, "JSON, which it writes"), (b"binf", "XGBoost's")):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(errors.UsageError, match=said):
            read_package(tmp_path, "m", RUNTIME)
