"""The closing request: which one is sent, and what its answer says of the deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.clock import VirtualClock
from support.memory_kube import MemoryKube

from eksprov.kube.api import Reply, SlowAnswerError
from eksprov.serving.requests.asking import Asker, ClosingAnswer
from eksprov.serving.requests.invoke import Target, read_data
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "asking.yaml").read_text())
SAMPLE = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]}
WIDE = [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}]


def raised(exception: str) -> bytes:
    return f'Traceback (most recent call last):\n  File "/m/sklearn.py", line 9, in predict\n{exception}\n'.encode()


class Model:
    """Describes itself by `inputs`, and answers the requests one after another as `replies` say."""

    def __init__(self, inputs: list[Any], *replies: tuple[int, bytes] | Exception) -> None:
        self.inputs, self.replies, self.asked = inputs, list(replies), list[dict[str, Any]]()

    def __call__(self, namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        assert (namespace, service) == ("models", "digits")
        if method == "GET":
            return Reply(200, {}, json.dumps({"name": "digits", "inputs": self.inputs}).encode())
        assert path == "v2/models/digits/infer"
        self.asked.append(json.loads(body or b""))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return Reply(reply[0], {}, reply[1])


def ask(model: Model, sample: Any = None) -> ClosingAnswer:
    kube = MemoryKube(answer=model)
    for name, kind in (("models", "Namespace"), ("digits", "Service")):
        meta = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "models"}
        kube.apply({"apiVersion": "v1", "kind": kind, "metadata": meta})
    target = Target("models", "digits", "digits")
    given = read_data(json.dumps(sample)) if sample is not None else None
    return Asker(kube, target, VirtualClock(), 60, MLSERVER_SKLEARN.name).ask(given)


GOOD = (200, json.dumps({"outputs": []}).encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_an_answer_says_depends_on_whose_request_it_was(case: dict[str, Any]) -> None:
    body = raised(case["exception"]) if "exception" in case else case.get("body", "").encode()
    asked = {
        "sample": ask(Model([], (case["status"], body)), SAMPLE),
        "described": ask(Model(WIDE, (case["status"], body))),
        "guessed": ask(Model([], (case["status"], body))),
    }
    outcomes = {
        whose: "answers" if one.answered else "fails" if one.failure else "unknown" for whose, one in asked.items()
    }
    assert outcomes == case["want"]
    for one in asked.values():
        if not one.answered:
            assert case["said"] in one.failure + one.note
            assert "sample.json" in one.note if one.note else one.hint


def test_the_sample_is_sent_as_it_is_and_described_inputs_get_zeros() -> None:
    model = Model(WIDE, GOOD)
    assert ask(model, SAMPLE).answered
    assert model.asked == [SAMPLE]
    model = Model(WIDE, GOOD)
    assert ask(model).answered
    [sent] = model.asked[0]["inputs"]
    assert (sent["shape"], sent["data"]) == ([1, 4], [0.0] * 4)


def test_a_sample_may_be_whatever_invoke_takes_and_is_shaped_by_what_the_model_says() -> None:
    columns = [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in ("a", "b")]
    model = Model(columns, GOOD)
    assert ask(model, [{"b": 2, "a": 1}]).answered
    assert [(one["name"], one["data"]) for one in model.asked[0]["inputs"]] == [("a", [1]), ("b", [2])]
    lacking = ask(Model(columns, GOOD), [{"a": 1}])
    assert "its sample is no request for it" in lacking.failure
    assert "sample.json" in lacking.hint


def test_a_model_that_says_nothing_is_asked_again_with_as_many_zeros_as_it_expects() -> None:
    said = raised("ValueError: X has 1 features, but StandardScaler is expecting 64 features as input.")
    model = Model([], (500, said), GOOD)
    assert ask(model).answered
    assert [one["inputs"][0]["shape"] for one in model.asked] == [[1, 1], [1, 64]]
    twice = Model([], (500, said), (500, raised("RuntimeError: out of order")))
    assert "RuntimeError: out of order" in ask(twice).failure


def test_while_nobody_takes_the_request_up_it_is_sent_again() -> None:
    nobody = (503, json.dumps({"kind": "Status", "code": 503, "message": "no endpoints available"}).encode())
    model = Model([], nobody, nobody, GOOD)
    assert ask(model, SAMPLE).answered
    assert len(model.asked) == 3
    gone = ask(Model([], nobody), SAMPLE)
    assert "no endpoints available" in gone.failure
    assert '"kind"' not in gone.failure


def test_an_answer_that_takes_longer_than_the_longest_prediction_is_one_of_the_sample_only() -> None:
    late = SlowAnswerError("no answer within 60 s")
    assert "predict_timeout_s" in ask(Model([], late), SAMPLE).hint
    assert "60 s" in ask(Model(WIDE, late)).note
