"""State to JSON and back; refuses what it does not understand, with one clear sentence.

The last key, `sha256`, is over all others, so that a flipped bit is damage and never another state. A state without it
is taken as it is: that is how a hand-made one comes in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from eksprov import errors
from eksprov.state.record import SCHEMA, Record, State

T = TypeVar("T", State, Record)

_REBUILD = "move it away and run the same command again: everything is found by its tags"


def encode(state: State) -> bytes:
    """The state as JSON, keys in a fixed order, a line for each key and for each step.

    It is written after every step, so in the encoder that is compiled, which knows no indent.
    """
    steps = {name: vars(state.steps[name]) for name in sorted(state.steps)}
    body: dict[str, Any] = {"schema": SCHEMA, **vars(state), "steps": steps}
    return f"{_lines({**body, 'sha256': _sum(body)}, _value)}\n".encode()


def _lines(body: Mapping[str, Any], value: Callable[[str, Any], str]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {value(key, item)}" for key, item in body.items()) + "\n}"


def _value(key: str, item: Any) -> str:
    return _lines(item, lambda _, record: json.dumps(record)) if key == "steps" and item else json.dumps(item)


def decode(data: bytes, where: str, stack: str, cure: Callable[[], str] = str, *, edited: bool = False) -> State:
    """The state of `stack` stored at `where`.

    `cure` gives what is said beside the usual cure where it is damaged; an `edited` one need not agree with its sum.
    Raises: StateError when it is damaged, of an older or newer schema, or another stack's.
    """
    body = _object(data, where, cure)
    total = body.pop("sha256", None)
    schema = body.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise errors.StateError(
            f"{where} was written by a newer eksprov", "upgrade eksprov; this version would lose data"
        )
    if type(schema) is int and schema < SCHEMA:
        raise errors.StateError(f"{where} has schema {schema}, which no eksprov reads", _REBUILD)
    if schema != SCHEMA or type(schema) is not int or (total not in (None, _sum(body)) and not edited):
        raise _damaged(where, cure)
    del body["schema"]
    try:
        steps = {name: _record(value) for name, value in body.pop("steps").items()}
        state = _typed(State(steps=steps, **body))
    except (TypeError, AttributeError, KeyError) as error:
        raise _damaged(where, cure) from error
    if state.stack != stack:
        raise errors.StateError(f"{where} is the state of stack {state.stack!r}, not of {stack!r}", _REBUILD)
    return state


def _sum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _object(data: bytes, where: str, cure: Callable[[], str]) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, cure) from error
    if not isinstance(body, dict):
        raise _damaged(where, cure)
    return body


def _damaged(where: str, cure: Callable[[], str]) -> errors.StateError:
    return errors.StateError(f"{where} is damaged and cannot be read", f"{_REBUILD}{cure()}")


def _record(value: dict[str, Any]) -> Record:
    return _typed(Record(**{**value, "needs": _names(value["needs"]), "outlives": _names(value["outlives"])}))


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("a list of names is wanted")
    return tuple(value)


def _typed(value: T) -> T:
    """The value. Raises: TypeError where JSON brought a field of another type than the field's default has."""
    for field in fields(value):
        have = getattr(value, field.name)
        match field.name:
            case "serial" | "attempts":
                right = type(have) is int
            case "generations":
                right = isinstance(have, dict) and all(type(item) is int for item in have.values())
            case "choices" | "outputs" | "tags":
                right = isinstance(have, dict) and all(isinstance(item, str) for item in have.values())
            case "steps" | "needs" | "outlives":
                right = True
            case _:
                right = isinstance(have, str)
        if not right:
            raise TypeError(f"{field.name} has the wrong type")
    return value
