"""A failed call: its cause is the last exception, however the server writes it down, and whose failure it is."""

from __future__ import annotations

import gzip
import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import VirtualClock
from support.memory_kube import MemoryKube

from eksprov import errors
from eksprov.kube.api import Reply
from eksprov.serving.requests.invoke import Target, describe, invoke
from eksprov.serving.requests.replies import body_of, said_in

TARGET = Target("default", "digits", "digits")
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "digits", "namespace": "default"}}
SENT = {"inputs": [{"name": "x", "shape": [1, 63], "datatype": "INT64", "data": [0] * 63}]}
TAKES = {"name": "digits", "inputs": [{"name": "x", "shape": [-1, 64], "datatype": "FP64"}]}

FIRST = 'Traceback (most recent call last):\n  File "/a/starlette/errors.py", line 165, in <module>\n    await app\n'
BEFORE = f"{FIRST}KeyError: 'city'\n\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSES = {
    "ValueError: X has 63 features, but Forest expects 64": "ValueError: X has 63 features, but Forest expects 64",
    "sklearn.exceptions.NotFittedError: not\nfitted\n\nyet": "sklearn.exceptions.NotFittedError: not fitted yet",
    "OddName": "OddName",
}
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain text": lambda text: text.encode(),
    "plain text after others": lambda text: (BEFORE + text).encode(),
    "JSON error": lambda text: json.dumps({"error": text}).encode(),
    "JSON error within": lambda text: json.dumps({"error": {"code": 5, "message": text}}).encode(),
    "JSON detail": lambda text: json.dumps({"detail": [{"loc": ["body"], "msg": text}]}).encode(),
    "JSON under any key": lambda text: json.dumps({"status": "failed", "stack": [text]}).encode(),
    "JSON text": lambda text: json.dumps(text).encode(),
    "a page": lambda text: f"<!DOCTYPE html><html><h1>500</h1><pre>{html.escape(text)}</pre></html>".encode(),
    "a comment in a page": lambda text: f"<html><title>500</title><p>x</p><!--\n{text}\n--></html>".encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip of JSON": lambda text: gzip.compress(json.dumps({"error": text}).encode()),
    "line ends escaped": lambda text: json.dumps({"error": repr(text)}).encode(),
}


def kube(status: int, answer: Any, describes: Any = None) -> MemoryKube:
    """A service that answers a call so; asked what it takes it `describes` itself."""

    def give(namespace: str, service: str, method: str, path: str, body: bytes | None) -> Reply:
        if method == "GET" and describes is not None:
            return Reply(200, {}, json.dumps(describes).encode())
        return Reply(status, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    api = MemoryKube(answer=give)
    api.apply(SERVICE)
    return api


def refused(api: MemoryKube) -> errors.EksprovError:
    with pytest.raises(errors.EksprovError) as caught:
        invoke(api, TARGET, SENT, VirtualClock(), "c")
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("raised", CAUSES)
@pytest.mark.parametrize("code", [400, 422, 500])
def test_the_cause_is_the_last_exception_of_any_body(encoding: str, raised: str, code: int) -> None:
    error = refused(kube(code, ENCODINGS[encoding](f"{FIRST}{raised}\n"), TAKES))
    assert error.message == f"digits in namespace default answered HTTP {code}: {CAUSES[raised]}"
    assert error.exit_code == 1


def test_the_exception_that_it_was_raised_from_is_told_too() -> None:
    joint = "\nThe above exception was the direct cause of the following exception:\n\n"
    text = f"{FIRST}KeyError: 'city'\n{joint}{FIRST}ValueError: A given column is not a column of the dataframe\n"
    assert said_in(text) == "ValueError: A given column is not a column of the dataframe (from KeyError: 'city')"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "shape mismatch"}', "shape mismatch"),
        (b'{"error": null, "message": "two\\nlines"}', "two lines"),
        (b'{"detail":[{"loc":["body","inputs",0,"data"],"msg":"Field required"},{"msg":"b"}]}',
         "body.inputs.0.data: Field required (and 1 more)"),
        (b'{"code": 7}', '{"code": 7}'),
        (b"<html><head><title>Bad thing</title></head><body><h1>Bad thing</h1></body></html>", "Bad thing"),
        (b"<html><h1>500 Server Error</h1><h2>ValueError: a &lt; b</h2></html>", "500 Server Error: ValueError: a < b"),
        (b"<html><p>only <b>words</b></p></html>", "only words"),
        (b"ValueError: said plainly", "ValueError: said plainly"),
        (b"two\n  lines", "two lines"),
        (b"a <pre> in words", "a <pre> in words"),
        (b"", "without a word"),
        (b" \n", "without a word"),
        (b"\x1f\x8bbroken", "what is no text"),
        (b"caf\xe9", "caf\ufffd"),
        (f"{FIRST}".encode(), "await app"),
        (b"x" * 5000, "x" * 399 + "…"),
    ],
)  # fmt: skip
def test_without_an_exception_its_own_words_are_the_cause(body: bytes, said: str) -> None:
    assert refused(kube(500, body)).message == f"digits in namespace default answered HTTP 500: {said}"


KEYS = st.sampled_from(["error", "detail", "loc", "kind", "outputs"])
VALUES = st.recursive(st.none() | st.text(), lambda of: st.lists(of) | st.dictionaries(KEYS, of))


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_told_in_one_line(body: bytes) -> None:
    with pytest.raises(errors.EksprovError) as caught:
        body_of(Reply(500, {}, body), "m")
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("describes", "known"),
    [
        (TAKES, "it takes x FP64 [-1, 64]"),
        ({"inputs": [{"name": n, "shape": [-1, 1], "datatype": "FP64"} for n in "ab"]}, "the columns a FP64, b FP64"),
        ({"inputs": [{"name": f"c{n}", "shape": [-1, 1], "datatype": "FP64"} for n in range(11)]}, "FP64 and 3 more"),
        ({"inputs": []}, "it does not say what it takes"),
        ({"inputs": None}, "it does not say what it takes"),
        ({"inputs": ["x", {"shape": "y"}]}, "it does not say what it takes"),
        (["odd"], "what it takes it did not say"),
    ],
)
def test_beside_the_cause_stands_what_the_model_takes(describes: Any, known: str) -> None:
    hint = refused(kube(500, {"error": "no"}, describes)).hint
    assert known in hint
    assert hint.endswith("sent was x INT64 [1, 63]")


STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
PAGE = b"<html><head><title>504 Gateway Time-out</title></head></html>"


@pytest.mark.parametrize(
    ("code", "answer", "exit_code", "words"),
    [
        (404, {**STATUS, "message": 'services "digits" not found'}, 4, 'be reached: services "digits" not found'),
        (503, {**STATUS, "message": "no endpoints available"}, 5, "cannot be reached: no endpoints available"),
        (503, {**STATUS, "message": "error trying to reach service: EOF"}, 5, "cannot be reached: error trying"),
        (502, {**STATUS, "message": "error trying to reach service"}, 5, "cannot be reached"),
        (500, {**STATUS, "message": "etcd is away"}, 5, "cannot be reached: etcd is away"),
        (502, b"", 5, "answered HTTP 502: without a word"),
        (503, b"overloaded", 5, "answered HTTP 503: overloaded"),
        (504, PAGE, 5, "answered HTTP 504: 504 Gateway Time-out"),
        (429, {"error": "too many"}, 5, "answered HTTP 429: too many"),
        (404, {"error": "Model digits not found"}, 5, "Model digits not found"),
        (400, {"error": "Model digits is not ready yet."}, 5, "is not ready yet"),
        (404, {"detail": "Not Found"}, 1, "answered HTTP 404: Not Found"),
        (400, {"error": "shape mismatch"}, 1, "shape mismatch"),
        (500, b"Internal Server Error", 1, "Internal Server Error"),
        (301, b"", 1, "answered HTTP 301"),
        (200, b"not json", 1, "answered HTTP 200: not json"),
        (200, b"[]", 1, "answered HTTP 200: []"),
    ],
)  # fmt: skip
def test_each_failure_is_told_as_whose_it_is(code: int, answer: Any, exit_code: int, words: str) -> None:
    error = refused(kube(code, answer))
    assert words in error.message
    assert error.exit_code == exit_code
    with pytest.raises(errors.EksprovError) as caught:
        describe(kube(code, answer), TARGET)
    assert (caught.value.message, caught.value.exit_code) == (error.message, exit_code)


def test_a_model_that_is_not_on_the_cluster_is_not_deployed() -> None:
    error = refused(MemoryKube())
    assert (error.exit_code, "deploy-model" in error.hint) == (4, True)


@pytest.mark.parametrize("outputs", [None, "x", [1], {}])
def test_an_answer_without_outputs_is_a_failure(outputs: Any) -> None:
    error = refused(kube(200, {"id": "c", "outputs": outputs}))
    assert "answered without outputs" in error.message


def test_numbers_that_json_does_not_have_come_in_as_text() -> None:
    body = b'{"id": "c", "outputs": [{"name": "y", "data": [NaN, -Infinity, 1e999, 1.5, 18446744073709551615]}]}'
    answer = invoke(kube(200, body), TARGET, SENT, VirtualClock(), "c")
    assert answer.outputs[0]["data"] == ["NaN", "-Infinity", "Infinity", 1.5, 18446744073709551615]
