"""What a model expects, read from its pickle: against the estimator, and harmless to the real server's reading."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from mlserver.codecs import PandasCodec  # type: ignore[import-untyped]  # ships no types
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from support.mlserver_says import answer, unpacked
from support.model_folders import NAME, dumped, said

from eksprov.serving.inspection.columns import inputs_of
from eksprov.serving.inspection.opcodes import Stream, take_apart
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.mlserver_sklearn import FLAVOUR
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

ROWS = np.random.default_rng(0).random((40, 3))
ANSWERS = [0, 1] * 20
TABLE = pd.DataFrame(ROWS, columns=["height", "weight", "age"])
MIXED = TABLE.assign(city=["Bern", "Genf"] * 20)
CITY = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
NUMBERS = make_pipeline(SimpleImputer(), StandardScaler())


def columns(*routes: Any, **more: Any) -> Any:
    return make_pipeline(ColumnTransformer(list(routes), **more), GaussianNB())


def plain(count: int) -> list[tuple[str, str, list[int]]]:
    return [("input-0", "FP64", [-1, count])]


def named(**kinds: str) -> list[tuple[str, str, list[int]]]:
    return [(name, kind, [-1, 1]) for name, kind in kinds.items()]


FP = {"height": "FP64", "weight": "FP64", "age": "FP64"}
TWO = [("a", GaussianNB()), ("b", RandomForestClassifier(3))]
KNOWN: dict[str, tuple[Any, Any, Any]] = {
    "rows": (GaussianNB(), ROWS, plain(3)),
    "a table": (GaussianNB(), TABLE, named(**FP)),
    "a pipeline": (make_pipeline(StandardScaler(), GaussianNB()), TABLE, named(**FP)),
    "a step that does nothing": (make_pipeline("passthrough", StandardScaler(), GaussianNB()), ROWS, plain(3)),
    "an imputer first": (make_pipeline(SimpleImputer(), GaussianNB()), ROWS, plain(3)),
    "a search": (GridSearchCV(make_pipeline(StandardScaler(), GaussianNB()), {}), TABLE, named(**FP)),
    "a vote": (VotingClassifier(TWO), TABLE, named(**FP)),
    "a stack": (StackingClassifier(TWO, final_estimator=GaussianNB()), ROWS, plain(3)),
    "one against the rest": (OneVsRestClassifier(GaussianNB()), ROWS, plain(3)),
    "a target transformed": (TransformedTargetRegressor(LinearRegression()), ROWS, plain(3)),
    "a union": (make_pipeline(FeatureUnion([("s", StandardScaler())]), GaussianNB()), ROWS, plain(3)),
    "boosting": (HistGradientBoostingClassifier(max_iter=2), TABLE, named(**FP)),
    "numbers and texts": (
        columns(("n", NUMBERS, ["height", "weight", "age"]), ("c", CITY, ["city"]), sparse_threshold=0),
        MIXED,
        named(**FP, city="BYTES"),
    ),
    "columns by their types": (
        columns(
            ("n", NUMBERS, make_column_selector(dtype_include="number")),
            ("c", CITY, make_column_selector(dtype_include=object)),
            sparse_threshold=0,
        ),
        MIXED,
        named(**FP, city="BYTES"),
    ),
    "columns that are dropped": (
        columns(("n", NUMBERS, ["height"]), ("c", OrdinalEncoder(), ["city"])),
        MIXED,
        named(height="FP64", city="BYTES"),
    ),
    "columns by place": (columns(("n", StandardScaler(), [0, 1]), ("m", StandardScaler(), [2])), ROWS, plain(3)),
}
UNSURE: dict[str, tuple[Any, Any]] = {
    "texts": (make_pipeline(TfidfVectorizer(), RandomForestClassifier(2)), ["aa bb", "cc dd"] * 20),
    "a function first": (make_pipeline(FunctionTransformer(), GaussianNB()), TABLE),
    "anything in bags": (BaggingClassifier(GaussianNB(), 2), TABLE),
    "columns passed through": (columns(("n", StandardScaler(), ["height"]), remainder="passthrough"), TABLE),
}


def written(model: Any) -> dict[str, bytes]:
    """The model in every way people save it."""
    content = io.BytesIO()
    joblib.dump(model, content)
    return {"joblib": content.getvalue(), **{f"pickle {p}": pickle.dumps(model, p) for p in (0, 2, 4, 5)}}


def read(content: bytes) -> list[tuple[str, str, list[int]]]:
    top = take_apart(Stream(io.BytesIO(content), size=len(content))).top
    return [(one["name"], one["datatype"], one["shape"]) for one in inputs_of(top)]


@pytest.mark.parametrize("name", KNOWN)
def test_what_a_model_expects_is_what_it_was_fitted_on(name: str) -> None:
    model, data, wanted = KNOWN[name]
    model.fit(data, ANSWERS)
    assert {how: read(content) for how, content in written(model).items()} == dict.fromkeys(written(model), wanted)


@pytest.mark.parametrize("name", UNSURE)
def test_what_is_not_sure_is_not_said(name: str) -> None:
    model, data = UNSURE[name]
    model.fit(data, ANSWERS)
    assert {how: read(content) for how, content in written(model).items()} == {how: [] for how in written(model)}


def test_a_model_that_was_not_fitted_says_nothing() -> None:
    assert read(pickle.dumps(GaussianNB())) == []


ROW_REQUEST = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [0.1, 0.2, 0.3]}]}
TABLE_REQUEST = json.loads(PandasCodec.encode_request(MIXED[:2]).model_dump_json())
REQUESTS: dict[str, tuple[Callable[[], Any], Any, dict[str, Any]]] = {
    "one tensor": (GaussianNB, ROWS, ROW_REQUEST),
    "one tensor, of whole numbers": (
        GaussianNB,
        ROWS,
        {"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "INT64", "data": [1, 2, 3]}]},
    ),
    "one tensor for named columns": (
        GaussianNB,
        TABLE.to_numpy(),
        ROW_REQUEST,
    ),
    "a table": (lambda: KNOWN["numbers and texts"][0], MIXED, TABLE_REQUEST),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_description_changes_nothing_in_how_requests_are_read(name: str, tmp_path: Path) -> None:
    make, data, request = REQUESTS[name]
    model = make().fit(data, ANSWERS)
    for place in ("described", "plain"):
        dumped(model=model)(_made(tmp_path / place))
    package = read_package(tmp_path / "described", NAME, MLSERVER_SKLEARN)
    described = unpacked(package, tmp_path / "pod")
    assert json.loads((described / "model-settings.json").read_text())["inputs"]
    own = {"name": NAME, "implementation": FLAVOUR.implementations[0], "parameters": {"uri": "./model.joblib"}}
    said(own)(tmp_path / "plain")
    assert answer(described, NAME, request) == answer(tmp_path / "plain", NAME, request)


def test_inputs_of_ones_own_stay(tmp_path: Path) -> None:
    dumped(model=GaussianNB().fit(ROWS, ANSWERS))(tmp_path)
    own = [{"name": "mine", "datatype": "FP32", "shape": [-1, 3]}]
    said({"inputs": own})(tmp_path)
    package = read_package(tmp_path, NAME, MLSERVER_SKLEARN)
    settings = next(file for file in package.files if file.path == "model-settings.json")
    assert json.loads(settings.content)["inputs"] == own


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
