"""One call to a model by the Open Inference Protocol v2, through the API server's service proxy.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

Data may be a whole request, or a bare JSON array, which becomes one tensor: its shape is the nesting of the lists, its
datatype INT64 when all numbers are whole, else FP64, BOOL or BYTES. Without data the model's own description gives a
valid sample, if it names its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eksprov import errors
from eksprov.core.pace import Clock
from eksprov.kube.api import KubeApi, Reply

INPUT_NAME: Final = "input-0"
GIVE_DATA: Final = (
    'give data: --data FILE, --data - (standard input) or --data "[[...]]"; or put a sample.json beside the model'
)
_ZERO: Final[Mapping[str, Any]] = {"BOOL": False, "BYTES": "", "FP16": 0.0, "FP32": 0.0, "FP64": 0.0}


@dataclass(frozen=True)
class Target:
    """Which model to call, and where."""

    namespace: str
    service: str
    model: str
    port: str = "http"


@dataclass(frozen=True)
class Answer:
    """What came back: the outputs of the protocol, the whole response, and the seconds from call to answer."""

    outputs: tuple[Mapping[str, Any], ...]
    response: Mapping[str, Any]
    seconds: float


def request_from(text: str, source: str = "the data") -> dict[str, Any]:
    """A request from JSON text. Raises: UsageError naming `source` when it is neither a request nor an array."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise errors.UsageError(f"{source} is no JSON: {error}", GIVE_DATA) from error
    if isinstance(value, dict) and isinstance(value.get("inputs"), list):
        return value
    if isinstance(value, list):
        return {"inputs": [tensor(value, source)]}
    raise errors.UsageError(f"{source} is neither a request with `inputs` nor an array of numbers", GIVE_DATA)


def tensor(value: Sequence[Any], source: str = "the data") -> dict[str, Any]:
    """A nested list as one tensor, row by row. Raises: UsageError when it is ragged, empty or mixed."""
    shape: list[int] = []
    level: list[Any] = [value]
    while level and all(isinstance(item, list) for item in level):
        lengths = {len(item) for item in level}
        if len(lengths) != 1:
            raise errors.UsageError(f"{source}: rows differ in length: {sorted(lengths)}")
        shape.append(lengths.pop())
        level = [inner for item in level for inner in item]
    if not level or any(isinstance(item, list | dict) for item in level):
        raise errors.UsageError(f"{source} is an empty or uneven array", GIVE_DATA)
    return {"name": INPUT_NAME, "shape": shape, "datatype": _datatype(level, source), "data": level}


def sample_from(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A valid request of zeros by the model's description. Raises: UsageError when it names no inputs."""
    inputs = [_zeros(described) for described in metadata.get("inputs") or ()]
    if not inputs:
        raise errors.UsageError(f"{metadata.get('name', 'the model')} does not describe its inputs", GIVE_DATA)
    return {"inputs": inputs}


def describe(kube: KubeApi, target: Target) -> dict[str, Any]:
    """The model's own description. Raises: ProvisioningError when it does not answer."""
    reply = kube.service_proxy(target.namespace, target.service, target.port, "GET", f"v2/models/{target.model}")
    return _body(reply, target)


def invoke(kube: KubeApi, target: Target, request: Mapping[str, Any], clock: Clock, call_id: str) -> Answer:
    """Send a request and return the answer.

    Raises: ProvisioningError with the server's own words when it refuses, or when the answer is another call's.
    """
    body = {**request, "id": request.get("id") or call_id}
    path = f"v2/models/{target.model}/infer"
    began = clock.now()
    reply = kube.service_proxy(target.namespace, target.service, target.port, "POST", path, json.dumps(body).encode())
    seconds = clock.now() - began
    response = _body(reply, target)
    if response.get("id") != body["id"]:
        raise errors.ProvisioningError(
            f"{target.model} answered call {response.get('id')!r} instead of {body['id']!r}", "call again"
        )
    return Answer(tuple(response.get("outputs") or ()), response, seconds)


def _datatype(values: Sequence[Any], source: str) -> str:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {str}:
        return "BYTES"
    if kinds <= {int, float}:
        return "INT64" if kinds == {int} else "FP64"
    raise errors.UsageError(f"{source} mixes {', '.join(sorted(kind.__name__ for kind in kinds))}")


def _zeros(described: Mapping[str, Any]) -> dict[str, Any]:
    shape = [1 if size < 0 else size for size in described.get("shape") or [1]]
    count = 1
    for size in shape:
        count *= size
    datatype = described.get("datatype", "FP64")
    zero = _ZERO.get(datatype, 0)
    return {"name": described.get("name", INPUT_NAME), "shape": shape, "datatype": datatype, "data": [zero] * count}


def _body(reply: Reply, target: Target) -> dict[str, Any]:
    try:
        answer = json.loads(reply.body)
    except ValueError:
        answer = None
    if reply.status == 200 and isinstance(answer, dict):
        return answer
    said = _words(answer) or reply.body[:300].decode("utf-8", "replace").strip() or "nothing"
    where = f"{target.model} in namespace {target.namespace}"
    if isinstance(answer, dict) and answer.get("kind") == "Status":  # the API server itself: nobody to hand on to
        hint = "deploy-model deploys it; `eksprov models` shows how its replicas are"
        raise errors.ProvisioningError(f"{where} cannot be reached: {said}", hint)
    raise errors.ProvisioningError(f"{where} answered HTTP {reply.status}: {said}")


def _words(answer: Any) -> str:
    """What a server says about an error: MLServer's `error`, Kubernetes' `message`, FastAPI's `detail`.

    MLServer sends a whole traceback; its last line is what went wrong.
    """
    if not isinstance(answer, dict):
        return ""
    said = next((str(answer[key]).strip() for key in ("error", "message", "detail") if answer.get(key)), "")
    return said.splitlines()[-1] if "Traceback (most recent call last)" in said else said
