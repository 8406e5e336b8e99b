"""The two JSON files that MLServer 1.7.1 reads in a model's folder: their keys and types, and what is wrong with one.

Its own models (https://github.com/SeldonIO/MLServer/blob/1.7.1/mlserver/settings.py and mlserver/types/dataplane.py)
written down again, because a machine that deploys need not have MLServer; a test holds both side by side. As there,
pydantic takes "5" for a number and never a number for a text. Unlike there, what JSON leaves open is refused: keys
that stand twice, NaN, a byte-order mark (which Python's reader does not take).
"""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eksprov import errors
from eksprov.config.words import SCALARS

Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]


class Section(BaseModel):
    """One object of a file; keys that it does not name are passed over by MLServer, and told by `unknown_keys`."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class TensorParameters(Section):
    """`parameters` of an input or output; any other key is kept."""

    model_config = ConfigDict(extra="allow")
    content_type: str | None = None
    headers: dict[str, Any] | None = None


class Tensor(Section):
    """An entry of `inputs` or `outputs`."""

    name: str
    datatype: Datatype
    shape: list[int]
    parameters: TensorParameters | None = None


class ModelParameters(Section):
    """What `parameters` of `model-settings.json` may say."""

    uri: str | None = None
    version: str | None = None
    environment_path: str | None = None
    environment_tarball: str | None = None
    inference_pool_gid: str | None = None
    autogenerate_inference_pool_gid: bool = False
    format: str | None = None
    content_type: str | None = None
    extra: dict[Any, Any] | None = None


class ModelSettings(Section):
    """model-settings.json. `implementation` is asked for by MLServer; here it may be filled in."""

    implementation: str | None = None
    name: str = ""
    platform: str = ""
    versions: list[str] = []
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    parallel_workers: int | None = None
    warm_workers: bool = False
    max_batch_size: int = 0
    max_batch_time: float = 0.0
    parameters: ModelParameters | None = None
    cache_enabled: bool = False


class CorsSettings(Section):
    """What `cors_settings` of `settings.json` may say."""

    allow_origins: list[str] | None = []
    allow_origin_regex: str | None = None
    allow_credentials: bool | None = False
    allow_methods: list[str] | None = []
    allow_headers: list[str] | None = []
    expose_headers: list[str] | None = []
    max_age: int | None = 600


class ServerSettings(Section):
    """All that `settings.json` may say to MLServer 1.7.1."""

    debug: bool = True
    parallel_workers: int = 1
    parallel_workers_timeout: int = 5
    environments_dir: str = ""
    model_repository_implementation: str | None = None
    model_repository_root: str = "."
    model_repository_implementation_args: dict[Any, Any] = {}
    load_models_at_startup: bool = True
    server_name: str = ""
    server_version: str = ""
    extensions: list[str] = []
    host: str = ""
    http_port: int = 8080
    root_path: str = ""
    grpc_port: int = 8081
    grpc_max_message_length: int | None = None
    cors_settings: CorsSettings | None = None
    metrics_endpoint: str | None = "/metrics"
    metrics_port: int = 8082
    metrics_rest_server_prefix: str = ""
    metrics_dir: str = ""
    use_structured_logging: bool = False
    logging_settings: str | dict[Any, Any] | None = None
    kafka_enabled: bool = False
    kafka_servers: str = ""
    kafka_topic_input: str = ""
    kafka_topic_output: str = ""
    tracing_server: str | None = None
    cache_enabled: bool = False
    cache_size: int = 100
    gzip_enabled: bool = True


_TYPES: Final = {
    **SCALARS,
    "string_type": "must be a text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "missing": "is missing",
}


WHOLE: Final = 'write one JSON object, such as {"parameters": {"version": "v1"}}; {} leaves all to eksprov'


def read_json(path: Path, name: str) -> dict[str, Any]:
    """The object in a JSON file of the model `name`. Raises: UsageError for anything else, saying what."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise errors.UsageError(f"model {name}: {path} cannot be read: {error.strerror}") from error
    if data.startswith(b"\xef\xbb\xbf"):
        raise errors.UsageError(
            f"model {name}: {path} begins with a byte-order mark, which MLServer does not read",
            "save it as UTF-8 alone",
        )
    try:
        content = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise errors.UsageError(
            f"model {name}: {path} is not UTF-8 (byte {error.start})", "save it as UTF-8"
        ) from error
    except UnicodeEncodeError as error:
        raise errors.UsageError(
            f"model {name}: {path} holds half of a surrogate pair, which is no text", WHOLE
        ) from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise errors.UsageError(f"model {name}: {path} is no JSON: {why}", WHOLE) from error
    if not isinstance(content, dict):
        raise errors.UsageError(f"model {name}: {path} is no JSON object, but {_kind(content)}", WHOLE)
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'the key "{key}" stands twice in one object')
        found[key] = value
    return found


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def check(content: dict[str, Any], schema: type[Section], path: Path, name: str) -> None:
    """Raises: UsageError with the first key whose value MLServer would not take, by its path."""
    try:
        schema.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = shown(first["loc"])
        said = _TYPES.get(first["type"], first["msg"].lower())
        given = "" if first["type"] == "missing" else f", not {_kind(first['input'])}"
        raise errors.UsageError(
            f"model {name}: {path}: {where} {said}{given}",
            "MLServer would not load the model: https://mlserver.readthedocs.io/en/stable/reference/model-settings.html",
        ) from error


def unknown_keys(content: dict[str, Any], schema: type[Section], path: Path, name: str) -> list[str]:
    """A sentence for each key that MLServer passes over. Raises: UsageError for one that looks like a slip."""
    told: list[str] = []
    for where, key, known in _strangers(content, schema, ()):
        near = difflib.get_close_matches(key.lower(), known, 1, 0.75)
        at = shown((*where, key))
        if schema is ModelSettings and (home := _elsewhere(where, key)):
            raise errors.UsageError(f"model {name}: {path}: MLServer has no key {at}", f"write it as {home}")
        if near:
            raise errors.UsageError(f"model {name}: {path}: MLServer has no key {at}", f"did you mean {near[0]}?")
        told.append(f"{path.name}: MLServer passes over {at}")
    return told


def _elsewhere(where: tuple[str | int, ...], key: str) -> str:
    """Where a key of model-settings.json belongs that stands a level too high or too low; empty for all others."""
    if not where and key in ModelParameters.model_fields:
        return f"parameters.{key}"
    return key if where == ("parameters",) and key in ModelSettings.model_fields else ""


def _strangers(
    content: Any, schema: type[Section], where: tuple[str | int, ...]
) -> list[tuple[tuple[str | int, ...], str, list[str]]]:
    if not isinstance(content, dict):
        return []
    fields = schema.model_fields
    found = [(where, key, list(fields)) for key in content if key not in fields and not key.startswith(("$", "_"))]
    for key, value in content.items():
        inner = _INNER.get((schema, key))
        if inner is not None:
            many = enumerate(value) if isinstance(value, list) else [(None, value)]
            for number, one in many:
                place = (*where, key) if number is None else (*where, key, number)
                found += _strangers(one, inner, place)
    return found


_INNER: Final[dict[tuple[type[Section], str], type[Section]]] = {
    (ModelSettings, "parameters"): ModelParameters,
    (ModelSettings, "inputs"): Tensor,
    (ModelSettings, "outputs"): Tensor,
    (ServerSettings, "cors_settings"): CorsSettings,
}


def shown(place: tuple[str | int, ...]) -> str:
    """A place in a JSON document for people: inputs[0].shape."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value[:60]}"'
    return "a list" if isinstance(value, list) else "an object"
