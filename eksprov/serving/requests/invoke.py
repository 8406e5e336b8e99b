"""One call to a model by the Open Inference Protocol v2, through the API server's service proxy.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md

Data may be a whole request or what people have: `rows` and `csv_rows` read it, `shaping` makes a request of it that the
model takes by its own description. Without data that description gives a valid sample, if it names its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eksprov import errors
from eksprov.core.convergence.pace import Clock
from eksprov.kube.api import KubeApi, Reply, SlowAnswerError
from eksprov.serving.requests.csv_rows import from_csv, looks_like_csv
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.replies import RefusedError, body_of
from eksprov.serving.requests.rows import FORMS, GIVE_DATA, Given, from_json
from eksprov.serving.requests.shaping import FRAME, INPUT_NAME

TIMEOUT_S: Final = 60.0
DESCRIPTION_S: Final = 10.0  # for what a model says of itself after it refused a call
_ZERO: Final[Mapping[str, Any]] = {"BOOL": False, "BYTES": "", "FP16": 0.0, "FP32": 0.0, "FP64": 0.0}


@dataclass(frozen=True)
class Target:
    """Which model to call, and where; `timeout_s` is how long it may take."""

    namespace: str
    service: str
    model: str
    port: str = "http"
    timeout_s: float = TIMEOUT_S

    def __str__(self) -> str:
        return f"{self.model} in namespace {self.namespace}"


@dataclass(frozen=True)
class Answer:
    """What came back: the outputs of the protocol, the whole response, and the seconds from call to answer."""

    outputs: tuple[Mapping[str, Any], ...]
    response: Mapping[str, Any]
    seconds: float


def read_data(text: str, source: str = "the data", *, csv: bool | None = None) -> Given:
    """Data from text; `csv` says which it is, None that its first character does.

    Raises: UsageError naming `source` and what is wrong where.
    """
    begins = text.lstrip()[:1]
    if csv is None:
        csv = begins not in ("{", "[") and looks_like_csv(text)
        if not csv and begins not in ("{", "[", '"') and not begins.isdigit():
            raise errors.UsageError(f"{source} is neither JSON nor CSV: give {FORMS}", GIVE_DATA)
    return from_csv(text, source) if csv else from_json(text, source)


def sample_from(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """A valid request of zeros by the model's description. Raises: UsageError when it names no inputs."""
    expected = Expected.of(metadata)
    if not expected.inputs:
        raise errors.UsageError(f"{metadata.get('name', 'the model')} does not describe its inputs", GIVE_DATA)
    inputs = []
    for one in expected.inputs:
        shape = [1 if size < 0 else size for size in one.shape or (1,)]
        count = 1
        for size in shape:
            count *= size
        data = [_ZERO.get(one.datatype, 0)] * count
        inputs.append({"name": one.name or INPUT_NAME, "shape": shape, "datatype": one.datatype, "data": data})
    frame = {"parameters": dict(FRAME)} if expected.columns is not None else {}
    return {**frame, "inputs": inputs}


def describe(kube: KubeApi, target: Target) -> dict[str, Any]:
    """The model's own description. Raises: ProvisioningError when it does not answer."""
    return body_of(_asked(kube, target, "GET", f"v2/models/{target.model}", None), str(target))


def invoke(kube: KubeApi, target: Target, request: Mapping[str, Any], clock: Clock, call_id: str) -> Answer:
    """Send a request and return the answer.

    Raises: RefusedError with the cause in the server's own words and what the model takes; NotThereError,
    NoAnswerError; ProvisioningError when the answer is another call's, or none of the protocol.
    """
    body = {**request, "id": request.get("id") or call_id}
    sent = json.dumps(body, allow_nan=False).encode()
    began = clock.now()
    reply = _asked(kube, target, "POST", f"v2/models/{target.model}/infer", sent)
    seconds = clock.now() - began
    try:
        response = body_of(reply, str(target))
    except RefusedError as error:
        raise RefusedError(error.message, _difference(kube, target, request)) from error
    if response.get("id") != body["id"]:
        raise errors.ProvisioningError(
            f"{target.model} answered call {response.get('id')!r} instead of {body['id']!r}", "call again"
        )
    outputs = response.get("outputs")
    if not isinstance(outputs, list) or not all(isinstance(one, Mapping) for one in outputs):
        raise RefusedError(f"{target} answered without outputs: {json.dumps(response)[:200]}")
    return Answer(tuple(outputs), response, seconds)


def _asked(kube: KubeApi, target: Target, method: str, path: str, body: bytes | None) -> Reply:
    try:
        return kube.service_proxy(
            target.namespace, target.service, target.port, method, path, body, timeout_s=target.timeout_s
        )
    except SlowAnswerError as error:
        said = f"{target} has not answered within {target.timeout_s:g} s; it may still be at it"
        raise errors.NoAnswerError(
            said, "give it longer with --timeout SECONDS, or send fewer rows at a time"
        ) from error


def _difference(kube: KubeApi, target: Target, request: Mapping[str, Any]) -> str:
    """What the model says that it takes, beside what was sent."""
    asked = Target(target.namespace, target.service, target.model, target.port, min(target.timeout_s, DESCRIPTION_S))
    try:
        takes = Expected.of(describe(kube, asked))
    except errors.EksprovError as error:
        known = f"what it takes it did not say ({error.message})"
    else:
        known = f"it takes {takes}" if takes.inputs else "it does not say what it takes"
    sent = Expected.of(request)
    return f"{known}; sent was {sent}" if sent.inputs else known
