"""What pydantic found wrong, in people's words: what was expected, what was written, the nearest known name.

Pydantic's error types and their contexts: https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from eksprov.config.document import Document, Path, show
from eksprov.config.schema import Config
from eksprov.config.schema.base import PATTERNS_IN_WORDS
from eksprov.errors import Problem

# What pydantic finds wrong with a single value, of YAML and JSON alike.
SCALARS: Mapping[str, str] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_TYPES: Mapping[str, str] = {
    **SCALARS,
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
    "too_short": "must have at least {min_length} entries, not {actual_length}",
    "string_too_long": "must be at most {max_length} characters long",
    "string_too_short": "must not be empty",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "finite_number": "must be a finite number",
}


def problem(error: ErrorDetails, document: Document, file: str) -> Problem:
    """One of pydantic's errors as one problem with its place in the file."""
    path = place(error, document)
    message, hint = _say(error, path, document)
    return Problem(message, show(path), file, document.line(path), hint)


def place(error: ErrorDetails, document: Document) -> Path:
    """Where an error is; pydantic marks a wrong key of a mapping with one more part, "[key]"."""
    path = error["loc"]
    return path[:-1] if path[-1:] == ("[key]",) and path not in document.lines else path


def _say(error: ErrorDetails, path: Path, document: Document) -> tuple[str, str]:
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "extra_forbidden":
        return f"unknown key {path[-1]!r}", nearest(path)
    if kind == "missing":
        return "is required", _description(path)
    if given is None:
        return "has no value", "remove the key to get its default, or write a value"
    if kind == "string_type":
        return _not_text(given, document.texts.get(path, ""))
    wrong = f"; found {_quoted(given, document.texts.get(path))}"
    if kind == "literal_error":
        return f"must be one of {context['expected'].replace(' or ', ', ')}{wrong}", _close(given, context["expected"])
    if kind == "string_pattern_mismatch":
        return f"must be {PATTERNS_IN_WORDS.get(context['pattern'], context['pattern'])}{wrong}", ""
    if kind in _TYPES:
        counted = kind in ("too_long", "too_short", "string_too_long", "string_too_short")
        return _TYPES[kind].format(**context) + ("" if counted else wrong), ""
    return f"{error['msg'].lower()}{wrong}", ""


def _not_text(given: Any, text: str) -> tuple[str, str]:
    if isinstance(given, (list, dict)):
        return f"must be text; found {_quoted(given, None)}", ""
    what = "true or false" if isinstance(given, bool) else "a number"
    return f"must be text, but YAML reads {text} as {what}", f'write it in quotes: "{text}"'


def _quoted(given: Any, text: str | None) -> str:
    match given:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            short = given if len(given) <= 60 else f"{given[:57]}..."
            return repr(short)
    return text if text is not None else str(given)


def _close(given: Any, expected: str) -> str:
    names = [name.strip("' ") for name in expected.replace(" or ", ",").split(",")]
    match = {name.lower(): name for name in names}.get(str(given).lower())
    close = [match] if match else difflib.get_close_matches(str(given), names, 1)
    return f"did you mean {close[0]}?" if close else ""


def nearest(path: Path) -> str:
    """For an unknown key: the likeliest known one beside it, or the place where a key of that name belongs."""
    *around, key = path
    known = list(_fields(_type_at(tuple(around))))
    if close := difflib.get_close_matches(str(key).lower().replace("-", "_"), known, 1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    for place, name in _everywhere(Config, ""):
        if name == key:
            return f"it belongs to {place}" if place else "it belongs to the top level"
    return f"known here: {', '.join(known)}" if known else ""


def _everywhere(model: type[BaseModel], place: str) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        yield place, name
        inner = _inner(info.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            listed = "[]" if get_origin(info.annotation) is tuple else ""
            yield from _everywhere(inner, f"{place}.{name}{listed}" if place else f"{name}{listed}")


def _description(path: Path) -> str:
    field = _fields(_type_at(path[:-1])).get(str(path[-1]))
    return field.description or "" if field else ""


def _fields(found: Any) -> Mapping[str, FieldInfo]:
    return found.model_fields if isinstance(found, type) and issubclass(found, BaseModel) else {}


def _type_at(path: Path) -> Any:
    """The type of the value at `path`, None where the schema knows none."""
    found: Any = Config
    for part in path:
        if isinstance(part, str):
            field = _fields(found).get(part)
            found = _inner(field.annotation) if field else None
    return found


def _inner(annotation: Any) -> Any:
    """`X` of `tuple[X, ...]` and of `X | None`; other types as they are."""
    arguments = [a for a in get_args(annotation) if a not in (NoneType, Ellipsis)]
    return arguments[0] if arguments and get_origin(annotation) is not dict else annotation
