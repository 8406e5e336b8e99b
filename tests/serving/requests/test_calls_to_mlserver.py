"""What people have, sent to the real MLServer: it reads each value as it was meant, and its failures are told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.clock import VirtualClock
from support.memory_kube import MemoryKube
from support.model_server import served_models
from support.tables import Held, as_csv, tables

from eksprov import errors
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import Answer, Target, describe, invoke, read_data, sample_from
from eksprov.serving.requests.shaping import request_of

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="mlserver 1.7.1 needs Python below 3.13"),
]

# Runs in a process of its own: scikit-learn stays out of the test's.
TRAIN = """
import joblib, numpy, pandas, sys
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
joblib.dump(RandomForestClassifier(n_estimators=2).fit(numpy.eye(4), [0, 1, 2, 3]), sys.argv[1])
frame = pandas.DataFrame({"age": [1.0, None, 9.0, 8.0], "city": ["Bern", "Bern", "Basel", None]})
parts = [("age", SimpleImputer(), ["age"]), ("city", OneHotEncoder(handle_unknown="ignore"), ["city"])]
model = make_pipeline(ColumnTransformer(parts), RandomForestClassifier(n_estimators=9, random_state=1))
joblib.dump(model.fit(frame, ["young", "young", "old", "old"]), sys.argv[2])
"""
DESCRIBED = {
    "numbers": [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}],
    "people": [
        {"name": "age", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "city", "datatype": "BYTES", "shape": [-1, 1]},
    ],
    "silent": None,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryKube]:
    """A model of four numbers, one of two named columns, that one again without a description, and an echo."""
    folder = tmp_path_factory.mktemp("models")
    for name, inputs in DESCRIBED.items():
        (folder / name).mkdir()
        own = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./m.joblib"}}
        (folder / name / "model-settings.json").write_text(
            json.dumps({**own, **({"inputs": inputs} if inputs else {})})
        )
    files = [str(folder / name / "m.joblib") for name in ("numbers", "people")]
    subprocess.run((sys.executable, "-c", TRAIN, *files), check=True, timeout=300)
    (folder / "silent" / "m.joblib").write_bytes(Path(files[1]).read_bytes())
    with served_models(folder) as models:
        yield models


def target(model: str) -> Target:
    return Target("default", model, model)


def ask(served: MemoryKube, model: str, text: str, *, csv: bool | None = None) -> Answer:
    """As the command does it."""
    described = Expected.of(describe(served, target(model)))
    request = request_of(read_data(text, "r", csv=csv), described)
    return invoke(served, target(model), request, VirtualClock(), "c")


def echoed(served: MemoryKube, text: str, *, csv: bool | None = None) -> dict[str, Any]:
    """What the server read."""
    told: dict[str, Any] = json.loads(ask(served, "echo", text, csv=csv).outputs[0]["data"][0])
    return told


def as_read(held: Held) -> list[list[Any]]:
    """The rows as a frame holds them: whole numbers beside fractions or nulls are floats."""
    columns = []
    for index in range(len(held.names)):
        cells = held.column(index)
        kinds = {type(cell) for cell in cells}
        floats = kinds <= {int, float, type(None)} and kinds != {int}
        columns.append([float(cell) if floats and cell is not None else cell for cell in cells])
    return [list(row) for row in zip(*columns, strict=True)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(held=tables())
def test_mlserver_reads_each_value_of_a_table_as_it_was_meant(served: MemoryKube, held: Held) -> None:
    told = echoed(served, json.dumps([dict(zip(held.names, row, strict=True)) for row in held.rows]))
    assert told["columns"] == list(held.names)
    assert json.dumps(told["rows"]) == json.dumps(as_read(held))


@pytest.mark.parametrize(
    ("text", "types", "rows"),
    [
        ('{"a": 9007199254740993, "b": 18446744073709551615}', ["int64", "uint64"], [[2**53 + 1, 2**64 - 1]]),
        ('[{"a": true}, {"a": null}]', ["object"], [[True], [None]]),
        ('[{"a": 1}, {"a": null}]', ["float64"], [[1.0], [None]]),
        ('[{"a": "x"}, {"a": null}]', ["object"], [["x"], [None]]),
        ('[{"a": "x"}, {"a": 1}, {"a": true}]', ["object"], [["x"], [1], [True]]),
        ('{"a": null}', ["float64"], [[None]]),
        ('{"a": 0.1}', ["float64"], [[0.1]]),
        ("a,b,c\n1,,x\n2,NA,\n", ["int64", "float64", "object"], [[1, None, "x"], [2, None, None]]),
    ],
)
def test_each_kind_of_column_arrives_as_what_pandas_would_make_of_it(
    served: MemoryKube, text: str, types: list[str], rows: list[list[Any]]
) -> None:
    told = echoed(served, text)
    assert (told["types"], told["rows"]) == (types, rows)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[1, 2], [3, null]]", {"shape": [2, 2], "type": "float64", "cells": [1, 2, 3, None]}),
        ("[[[1], [2]]]", {"shape": [1, 2, 1], "type": "int64", "cells": [1, 2]}),
        ('["a", "bc"]', {"shape": [2], "type": "str64", "cells": ["a", "bc"]}),
        ("[[true, false]]", {"shape": [1, 2], "type": "bool", "cells": [True, False]}),
    ],
)
def test_lists_without_names_arrive_as_one_tensor(served: MemoryKube, text: str, told: dict[str, Any]) -> None:
    assert echoed(served, text) == told


@pytest.mark.parametrize(
    ("model", "text", "wanted"),
    [
        ("numbers", "[[1, 0, 0, 0], [0, 0, 0, 1]]", 2),
        ("numbers", "[0, 1, 0, 0]", 1),
        ("numbers", '{"instances": [[0, 0, 1, 0]]}', 1),
        ("numbers", "a,b,c,d\n0,0,0,1\n1,0,0,0", 2),
        ("people", '{"city": "Bern", "age": null}', ["young"]),
        ("people", '[{"age": 9, "city": "Basel"}, {"age": 1, "city": "Bern"}]', ["old", "young"]),
        ("people", '{"dataframe_split": {"columns": ["city", "age"], "data": [["Basel", 9]]}}', ["old"]),
        ("people", "city,age\nBasel,9\nBern,\n", ["old", "young"]),
        ("people", '[[9, "Basel"]]', ["old"]),
        ("people", '[9, "Basel"]', ["old"]),
        ("silent", "city,age\nBasel,9", ["old"]),
    ],
)
def test_a_model_answers_what_people_have(served: MemoryKube, model: str, text: str, wanted: Any) -> None:
    data = ask(served, model, text).outputs[0]["data"]
    assert (data if isinstance(wanted, list) else len(data)) == wanted


def test_the_sample_of_a_described_model_is_taken(served: MemoryKube) -> None:
    for model in ("numbers", "people"):
        request = sample_from(describe(served, target(model)))
        assert len(invoke(served, target(model), request, VirtualClock(), "c").outputs[0]["data"]) == 1


def whole(name: str, shape: list[int], data: list[Any]) -> str:
    return json.dumps({"inputs": [{"name": name, "shape": shape, "datatype": "FP64", "data": data}]})


@pytest.mark.parametrize(
    ("model", "text", "code", "said", "hint"),
    [
        (
            "numbers", whole("x", [1, 3], [1, 2, 3]), 500,
            "ValueError: X has 3 features, but RandomForestClassifier is expecting 4 features as input.",
            "it takes x FP64 [-1, 4]; sent was x FP64 [1, 3]",
        ),
        (
            "numbers", whole("x", [1, 4], [1, 2, 3]), 500,
            "ValueError: cannot reshape array of size 3 into shape (1,4)",
            "it takes x FP64 [-1, 4]; sent was x FP64 [1, 4]",
        ),
        (
            "silent", '{"age": 1}', 500, "ValueError: columns are missing: {'city'}",
            "it does not say what it takes; sent was age INT64 [1, 1]",
        ),
        (
            "people", whole("x", [1, 2], [1, 2]), 500,
            "ValueError: Specifying the columns using strings is only supported for dataframes.",
            "it takes the columns age FP64, city BYTES; sent was x FP64 [1, 2]",
        ),
        (
            "numbers", '{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64"}]}', 422,
            "body.inputs.0.data: Field required", "it takes x FP64 [-1, 4]; sent was x FP64 [1, 4]",
        ),
        (
            "numbers", json.dumps({**json.loads(whole("x", [1, 4], [1] * 4)), "outputs": [{"name": "y"}]}), 400,
            "SKLearnModel only supports 'predict', 'predict_proba' and 'transform' as outputs (y was received)",
            "it takes x FP64 [-1, 4]; sent was x FP64 [1, 4]",
        ),
    ],
)  # fmt: skip
def test_a_failed_call_names_its_cause_and_what_the_model_takes(
    served: MemoryKube, model: str, text: str, code: int, said: str, hint: str
) -> None:
    with pytest.raises(errors.EksprovError) as caught:
        ask(served, model, text)
    assert caught.value.message.startswith(f"{model} in namespace default answered HTTP {code}: {said}")
    assert caught.value.hint == hint
    assert caught.value.exit_code == 1


def test_a_model_that_its_server_does_not_have_is_there_but_does_not_answer(served: MemoryKube) -> None:
    with pytest.raises(errors.EksprovError, match="Model nobody not found") as caught:
        ask(served, "nobody", "[[1]]")
    assert caught.value.exit_code == 5


def test_a_slow_model_is_waited_for_as_long_as_it_was_given(served: MemoryKube) -> None:
    request = request_of(read_data('{"sleep": 1.0}'), Expected())
    with pytest.raises(errors.EksprovError, match=r"has not answered within 0\.2 s") as caught:
        invoke(served, replace(target("echo"), timeout_s=0.2), request, VirtualClock(), "c")
    assert caught.value.exit_code == 5
    assert invoke(served, replace(target("echo"), timeout_s=30), request, VirtualClock(), "c").outputs


def test_a_csv_of_many_rows_is_read_whole(served: MemoryKube) -> None:
    held = Held(("n", "half"), tuple((n, n / 2) for n in range(5000)))
    assert echoed(served, as_csv(held), csv=True)["rows"] == [list(row) for row in held.rows]
