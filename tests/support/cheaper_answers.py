"""What moto works out anew for each request, worked out once or with less ceremony; the answers are the same.

Thousands of runs make a million requests, and most of their time went into four things: looking for the attribute that
belongs to a member of an answer, writing XML, making a WSGI environment, and searching all tags for those of one
resource. `make_answers_cheaper` puts shorter ways in their place, for this process, for good.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape, quoteattr

import moto.core.botocore_stubber as stubber
import moto.core.request as requests
import moto.core.responses as responses
import moto.core.serialize as serialize
import moto.ec2.models.tags as ec2_tags
from botocore.awsrequest import AWSPreparedRequest
from moto.core.constants import MISSING
from moto.core.utils import get_value
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix
from moto.moto_api._internal import mock_random

Names = dict[tuple[str, Any, type], tuple[str, ...]]
_names: Names = {}
_transforming: dict[tuple[int, str], list[tuple[str, Any]]] = {}


def make_answers_cheaper() -> None:
    """For this process and all that are forked from it, for good."""
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (responses, "camelcase_to_underscores", functools.cache),
        (ec2_tags, "simple_aws_filter_to_re", functools.cache),
        (responses, "gen_amzn_requestid_long", lambda _: _request_id),
        (serialize.ResponseSerializer, "get_value", _picking),
        (serialize, "xmltodict", lambda _: _Xml),
        (stubber, "normalize_request", _normalizing),
        (TaggedEC2Resource, "get_tags", lambda _: _tags_of),
    )
    for where, name, cheaper in replaced:
        if not hasattr(where, f"_dear_{name}"):
            dear = getattr(where, name)
            setattr(where, f"_dear_{name}", dear)
            setattr(where, name, cheaper(dear))


def _request_id(headers: dict[str, Any] | None = None) -> str:
    made = f"{mock_random.getrandbits(208):052X}"
    if headers is not None:
        headers["x-amzn-requestid"] = made
    return made


def _tags_of(resource: Any) -> list[dict[str, str]]:
    """Straight from where they are kept, by the id."""
    kept = resource.ec2_backend.tags.get(resource.id) if resource.id else None
    sort = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource.id), "") if kept else ""
    return [
        {"resource_id": resource.id, "key": key, "value": value, "resource_type": sort}
        for key, value in (kept or {}).items()
    ]


def _picking(dear: Callable[..., Any]) -> Callable[..., Any]:
    """The value of a member: under which names it may be found depends on the member and on the object's type only."""

    def get_value(self: Any, value: Any, key: str, shape: Any) -> Any:
        picker = self._value_picker
        if type(picker) is not serialize.XFormedAttributePicker:
            return dear(self, value, key, shape)
        place = (key, shape, type(value))
        if place not in _names:
            context = serialize.AttributePickerContext(value, key, shape, None, None, "")
            _names[place] = tuple(dict.fromkeys(picker.get_possible_keys(context)))
        found = _first(value, _names[place])
        for path, transform in _transforms(picker.response_transformers, key):
            if ".".join((*self.path, key)).endswith(path):
                return transform(found)
        return found

    return get_value


def _transforms(every: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    """Those that may concern a member of this name; `every` belongs to a class and lives as long."""
    place = (id(every), key)
    if place not in _transforming:
        ends = ((path, path.rpartition(".")[2]) for path in every)
        _transforming[place] = [(p, every[p]) for p, end in ends if (end == key if "." in p else key.endswith(end))]
    return _transforming[place]


def _first(value: Any, names: tuple[str, ...]) -> Any:
    if type(value) is dict:
        return next((value[name] for name in names if name in value), None)
    for name in names:
        if (found := get_value(value, name, MISSING)) is not MISSING:
            return found
    return None


def _normalizing(dear: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A request of botocore's as werkzeug's, without the builder that also knows forms, files and cookies."""

    def normalize_request(request: Any) -> Any:
        body = request.body if getattr(request, "body", None) is not None else b""
        if type(request) is not AWSPreparedRequest or not isinstance(body, str | bytes):
            return dear(request)
        if any("_" in name for name in request.headers):
            return dear(request)
        return requests.Request(_environ(request, body.encode() if isinstance(body, str) else body))

    return normalize_request


def _environ(request: Any, body: bytes) -> dict[str, Any]:
    parts = urlsplit(request.url)
    path = parts.path or "/"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": unquote(path).encode().decode("latin-1"),
        "QUERY_STRING": parts.query, "REQUEST_URI": path, "RAW_URI": path, "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)), "HTTP_HOST": parts.netloc,
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
        requests.PRESERVED_HEADER_NAMES_ENVIRON_KEY: {},
    }  # fmt: skip
    for name, value in request.headers.items():
        if name.lower() != "transfer-encoding":
            text = value.decode() if isinstance(value, bytes) else str(value)
            environ[requests.environ_key_for_header(name)] = text
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


class _Xml:
    """As much of xmltodict as answers are written with."""

    @staticmethod
    def unparse(body: dict[str, Any], *, full_document: bool, pretty: bool, short_empty_elements: bool) -> str:
        """The XML of a tree of dicts and lists."""
        assert not pretty
        out = ['<?xml version="1.0" encoding="utf-8"?>\n'] if full_document else []
        for name, value in body.items():
            _element(out, name, value, short_empty_elements)
        return "".join(out)


def _element(out: list[str], name: str, value: Any, short: bool) -> None:
    if isinstance(value, list | tuple):
        for item in value:
            _element(out, name, item, short)
        return
    attributes, inside = "", list[str]()
    if isinstance(value, dict):
        for key, member in value.items():
            if key.startswith("@"):
                attributes += f" {key[1:]}={quoteattr(str(member))}"
            elif key == "#text":
                inside.append(escape(str(member)))
            else:
                _element(inside, key, member, short)
    elif value is not None:
        inside.append(escape(str(value).lower() if isinstance(value, bool) else str(value)))
    text = "".join(inside)
    out.append(f"<{name}{attributes}/>" if short and not text else f"<{name}{attributes}>{text}</{name}>")
