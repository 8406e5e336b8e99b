"""Calling a model: what becomes of the data, what is checked in the answer, what is said when it fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import VirtualClock
from support.memory_kube import MemoryKube
from support.tables import request_from

from eksprov import errors
from eksprov.kube.api import Reply, SlowAnswerError
from eksprov.serving.requests.invoke import Target, invoke, sample_from

TARGET = Target("default", "digits", "digits")
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "digits", "namespace": "default"}}


def kube(status: int, answer: Any) -> MemoryKube:
    """A service that gives this answer; a callable is called with the request."""

    def give(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        value = answer(json.loads(body or b"{}")) if callable(answer) else answer
        return Reply(status, {}, value if isinstance(value, bytes) else json.dumps(value).encode())

    api = MemoryKube(answer=give)
    api.apply(SERVICE)
    return api


def test_a_whole_request_is_sent_as_it_is() -> None:
    request = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}], "parameters": {"a": 1}}
    assert request_from(json.dumps(request)) == request


@pytest.mark.parametrize(
    ("text", "shape", "datatype", "data"),
    [
        ("[1, 2]", [2], "INT64", [1, 2]),
        ("[[1, 2.5], [3, 4]]", [2, 2], "FP64", [1, 2.5, 3, 4]),
        ("[[[true], [false]]]", [1, 2, 1], "BOOL", [True, False]),
        ('["a", "b"]', [2], "BYTES", ["a", "b"]),
    ],
)
def test_a_bare_array_becomes_one_tensor(text: str, shape: list[int], datatype: str, data: list[Any]) -> None:
    (made,) = request_from(text)["inputs"]
    assert (made["shape"], made["datatype"], made["data"]) == (shape, datatype, data)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_the_shape_multiplies_to_the_length_of_the_data(shape: list[int]) -> None:
    value: Any = 1.0
    for size in reversed(shape):
        value = [value] * size
    (made,) = request_from(json.dumps(value))["inputs"]
    assert made["shape"] == shape
    count = 1
    for size in shape:
        count *= size
    assert len(made["data"]) == count


@pytest.mark.parametrize("text", ["", "{", "5", "{}", "[]", "[[]]", "[[1], [2, 3]]", "[[1], 2]", '[1, "a"]', "[null]"])
def test_data_that_is_none_is_one_clear_line(text: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        request_from(text, "data.json")
    assert "data.json" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_described_model_gets_a_valid_sample_and_an_undescribed_one_a_hint() -> None:
    inputs = [{"name": "x", "shape": [-1, 3], "datatype": "FP32"}, {"name": "y", "shape": [2], "datatype": "BOOL"}]
    request = sample_from({"name": "m", "inputs": inputs})
    assert request["inputs"][0] == {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [0.0, 0.0, 0.0]}
    assert request["inputs"][1]["data"] == [False, False]
    with pytest.raises(errors.UsageError) as caught:
        sample_from({"name": "m", "inputs": []})
    assert "sample.json" in caught.value.hint


def test_an_answer_has_outputs_and_the_time_it_took() -> None:
    clock = VirtualClock()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        clock.sleep(0.25)
        return {"id": request["id"], "outputs": [{"name": "predict", "data": [7]}]}

    got = invoke(kube(200, answer), TARGET, {"inputs": []}, clock, "call-1")
    assert got.outputs[0]["data"] == [7]
    assert got.seconds == 0.25
    assert got.response["id"] == "call-1"


def test_the_answer_to_another_call_is_refused() -> None:
    with pytest.raises(errors.ProvisioningError, match="call-2"):
        invoke(kube(200, {"id": "call-2", "outputs": []}), TARGET, {"inputs": []}, VirtualClock(), "call-1")


def test_a_model_that_is_slow_is_told_as_that_with_its_time() -> None:
    def slow(request: dict[str, Any]) -> Any:
        raise SlowAnswerError("no answer within 7 s")

    with pytest.raises(errors.ProvisioningError, match=r"has not answered within 7 s") as caught:
        invoke(kube(200, slow), replace(TARGET, timeout_s=7), {"inputs": []}, VirtualClock(), "c")
    assert caught.value.exit_code == 5
    assert "--timeout" in caught.value.hint
    assert "API server" not in caught.value.message


def test_a_sample_for_columns_is_read_as_a_frame() -> None:
    inputs = [{"name": name, "shape": [-1, 1], "datatype": "FP64"} for name in ("a", "b")]
    assert sample_from({"name": "m", "inputs": inputs})["parameters"] == {"content_type": "pd"}
