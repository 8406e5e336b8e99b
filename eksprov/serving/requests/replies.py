"""What came back from a model, or from what stands before it: the answer, or one error that says whose it is. Pure.

Three may answer a call through the API server's proxy: the API server itself (a Kubernetes Status: no such service, no
endpoints, "error trying to reach service"), a gateway on the way (502, 503, 504), or the model's server. What the last
one says has many encodings: MLServer sends the traceback of a failure inside the model as text/plain, its own errors
as JSON `error`, FastAPI a list of `detail`; others HTML, or nothing. Its last exception is what went wrong.
https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
"""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eksprov import errors
from eksprov.kube import faults
from eksprov.kube.api import Reply
from eksprov.serving.diagnosis.tracebacks import HEADER, raised_in

LIMIT: Final = 400  # characters of what a server says
GATEWAY: Final = frozenset({429, 502, 503, 504})  # nobody took the request up: the same one may do later
SAYING: Final = ("error", "message", "detail", "msg", "reason", "title", "description", "errors")
_NOT_SERVED = re.compile(r"Model \S+ (?:with version \S+ )?(?:not found|is not ready)")  # MLServer's words


class RefusedError(errors.ProvisioningError):
    """The model took the call and refused it, or failed at it."""


def body_of(reply: Reply, where: str) -> dict[str, Any]:
    """The JSON object of a good answer.

    `where` names the model for people. Raises: NotThereError, NoAnswerError, RefusedError.
    """
    text = _text(reply.body)
    answer = _json(text)
    if reply.status == 200 and isinstance(answer, dict):
        return answer
    if (status := faults.status_of(reply.body)) is not None:
        raise _of_the_api_server(reply.status, status, where)
    said = said_in(text) or "without a word"
    message = f"{where} answered HTTP {reply.status}: {said}"
    if reply.status in GATEWAY:
        hint = "it is busy, or its replicas are not ready: `eksprov models` shows how they are; then call again"
        raise errors.NoAnswerError(message, hint)
    if _NOT_SERVED.match(said):
        raise errors.NoAnswerError(message, "its server runs without it: `eksprov models` and `eksprov logs` show why")
    raise RefusedError(message)


def said_in(text: str) -> str:
    """What a body says about an error, in one line: its last exception, else its own words; empty for an empty body."""
    value = _json(text)
    plain = text if value is None else "\n".join(_strings(value))
    if re.match(r"\s*<(?:!doctype|html|body|head|pre|h1)\b", plain, re.IGNORECASE):
        plain, value = _without_tags(plain), None
    if found := raised_in(plain):
        return found[-1].line(LIMIT)
    if HEADER in plain:  # cut off before the exception
        return _cut(plain.strip().splitlines()[-1])
    return _cut(plain if value is None else _words(value) or text)


def _of_the_api_server(code: int, status: Mapping[str, Any], where: str) -> errors.EksprovError:
    said = _cut(str(status.get("message") or f"HTTP {code}"))
    message = f"{where} cannot be reached: {said}"
    if code == 404:
        return errors.NotThereError(message, "`eksprov deploy-model` deploys it")
    return errors.NoAnswerError(message, "`eksprov models` shows how its replicas are, `eksprov logs` what they say")


def _text(body: bytes) -> str:
    if body.startswith(b"\x1f\x8b"):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return "what is no text"
    return body.decode("utf-8", "replace")


def _json(text: str) -> Any:
    """The value; None where it is no JSON. Numbers that JSON does not have become the text that protobuf writes."""
    try:
        return json.loads(text, parse_constant=str, parse_float=_number)
    except (ValueError, RecursionError):
        return None


def _number(text: str) -> float | str:
    value = float(text)
    return value if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"


def _words(value: Any) -> str:
    """The words of a JSON error, whichever key holds them."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        told = [words for one in value if (words := _words(one))]
        return f"{told[0]} (and {len(told) - 1} more)" if len(told) > 1 else "".join(told)
    if not isinstance(value, Mapping):
        return ""
    said = next((words for key in SAYING if (words := _words(value.get(key)))), "")
    place = value.get("loc")
    return f"{'.'.join(map(str, place))}: {said}" if said and isinstance(place, list) else said


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)


def _without_tags(text: str) -> str:
    """A page's words: headings before all else; comments are kept, debuggers put the traceback there."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>", "", text)
    text = text.replace("<!--", "\n").replace("-->", "\n")
    heads = re.findall(r"(?is)<(h1|h2|title)\b[^>]*>(.*?)</\1>", text)
    plain = html.unescape(re.sub(r"<[^<>]*>", "", re.sub(r"(?i)<(?:br|/?p|/?div|/?pre|/h\d|/li)\b[^>]*>", "\n", text)))
    if HEADER in plain or not heads:
        return plain
    told = dict.fromkeys(" ".join(html.unescape(re.sub(r"<[^<>]*>", "", head)).split()) for _, head in heads)
    return ": ".join(filter(None, told))


def _cut(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= LIMIT else said[: LIMIT - 1] + "…"
