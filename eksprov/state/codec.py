"""State to JSON and back; refuses what it does not understand, with one clear sentence."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from eksprov import errors
from eksprov.state.record import SCHEMA, Record, State

_REBUILD = "move it away and run the same command again: everything is found by its tags"


def encode(state: State) -> bytes:
    """The state as indented JSON, keys in a fixed order."""
    body: dict[str, Any] = {"schema": SCHEMA, **asdict(state)}
    body["steps"] = {name: body["steps"][name] for name in sorted(body["steps"])}
    return (json.dumps(body, indent=1) + "\n").encode()


def decode(data: bytes, where: str, stack: str) -> State:
    """The state of `stack` stored at `where`.

    Raises: StateError when it is damaged, of a newer schema, or another stack's.
    """
    body = _object(data, where)
    schema = body.pop("schema", None)
    if isinstance(schema, int) and schema > SCHEMA:
        raise errors.StateError(
            f"{where} was written by a newer eksprov", "upgrade eksprov; this version would lose data"
        )
    try:
        steps = {name: _record(value) for name, value in body.pop("steps").items()}
        state = State(steps=steps, **body)
    except (TypeError, AttributeError, KeyError) as error:
        raise _damaged(where) from error
    if schema != SCHEMA:
        raise _damaged(where)
    if state.stack != stack:
        raise errors.StateError(f"{where} is the state of stack {state.stack!r}, not of {stack!r}", _REBUILD)
    return state


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise _damaged(where) from error
    if not isinstance(body, dict):
        raise _damaged(where)
    return body


def _damaged(where: str) -> errors.StateError:
    return errors.StateError(f"{where} is damaged and cannot be read", _REBUILD)


def _record(value: dict[str, Any]) -> Record:
    return Record(**{**value, "needs": tuple(value["needs"]), "outlives": tuple(value["outlives"])})
