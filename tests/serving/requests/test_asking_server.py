"""The closing request to the real MLServer, with models as people save them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import joblib
import numpy
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.clock import VirtualClock
from support.model_server import ServedModels, served_models

from eksprov.serving.requests.asking import Asker, ClosingAnswer
from eksprov.serving.requests.invoke import Target, read_data
from eksprov.serving.runtimes.mlserver_sklearn import FLAVOUR
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

pytestmark = [pytest.mark.real_time, pytest.mark.slow]


DESCRIBED = [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}]
SAMPLE = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1.0, 2.0, 3.0, 4.0]}]}
STRINGS = {"shape": [2], "datatype": "BYTES", "data": ["aa bb", "cc"], "parameters": {"content_type": "str"}}
TEXTS = {"inputs": [{"name": "x", **STRINGS}]}


def models() -> dict[str, Any]:
    rows, labels = numpy.arange(32.0).reshape(8, 4), [0, 1] * 4
    fitted = make_pipeline(StandardScaler(), GaussianNB()).fit(rows, labels)
    texts = make_pipeline(CountVectorizer(), MultinomialNB()).fit(["aa bb", "cc", "bb", "cc dd"], [0, 1, 0, 1])
    return {
        "fitted": fitted,
        "described": fitted,
        "dict": {"model": fitted, "columns": ["a"]},
        "tuple": (fitted, ["a"]),
        "class": GaussianNB,
        "unfitted": GaussianNB(),
        "texts": texts,
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedModels]:
    root = tmp_path_factory.mktemp("models")
    for name, model in models().items():
        (root / name).mkdir()
        joblib.dump(model, root / name / "model.joblib")
        settings = {"name": name, "implementation": FLAVOUR.implementations[0]}
        more = {"inputs": DESCRIBED} if name in ("described", "dict") else {}
        own = {**settings, **more, "parameters": {"uri": "./model.joblib"}}
        (root / name / "model-settings.json").write_text(json.dumps(own))
    with served_models(root) as served:
        ready = (f"v2/models/{name}/ready" for name in models())
        assert [served.service_proxy("", "", "", "GET", path).status for path in ready] == [200] * len(models())
        yield served


def ask(served: ServedModels, name: str, sample: Any = None) -> ClosingAnswer:
    given = read_data(json.dumps(sample)) if sample is not None else None
    return Asker(served, Target("default", name, name), VirtualClock(), 60, MLSERVER_SKLEARN.name).ask(given)


@pytest.mark.parametrize(
    ("name", "sample"),
    [("fitted", None), ("fitted", SAMPLE), ("described", None), ("described", SAMPLE), ("texts", TEXTS)],
)
def test_a_model_that_answers_is_known_to(served: ServedModels, name: str, sample: Any) -> None:
    assert ask(served, name, sample) == ClosingAnswer()


@pytest.mark.parametrize(
    ("name", "cause", "cure"),
    [
        ("dict", "AttributeError: 'dict' object has no attribute 'predict'", "save the model alone"),
        ("tuple", "AttributeError: 'tuple' object has no attribute 'predict'", "save the model alone"),
        ("class", "TypeError: _BaseNB.predict() missing 1 required positional argument", "not its class"),
        ("unfitted", "NotFittedError: This GaussianNB instance is not fitted yet", "fit the model"),
    ],
)
@pytest.mark.parametrize("sample", [None, SAMPLE], ids=["made up", "sample"])
def test_a_model_that_is_loaded_and_cannot_answer_fails_with_its_last_exception(
    served: ServedModels, name: str, cause: str, cure: str, sample: Any
) -> None:
    asked = ask(served, name, sample)
    assert cause in asked.failure
    assert "Traceback" not in asked.failure
    assert cure in asked.hint


def test_data_that_was_made_up_and_does_not_suit_proves_nothing(served: ServedModels) -> None:
    asked = ask(served, "texts")
    assert "whether it answers is not known" in asked.note
    assert "sample.json" in asked.note
    assert ask(served, "texts", SAMPLE).failure
