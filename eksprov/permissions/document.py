"""Needs as IAM policies: the fewest statements, in documents no larger than a managed policy may be.

A managed policy has at most 6,144 characters, white space not counted, and a role at most ten of them unless its quota
was raised (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from eksprov.aws.rights import Condition, Need

LARGEST: Final = 6144
VERSION: Final = "2012-10-17"
Statement = dict[str, Any]
Document = dict[str, Any]


def documents(needs: Iterable[Need]) -> tuple[Document, ...]:
    """Policies that allow exactly these needs, as few as fit."""
    found: list[Document] = []
    for statement in statements(needs):
        for piece in _pieces(statement):
            if found and size(_document((*found[-1]["Statement"], piece))) <= LARGEST:
                found[-1]["Statement"].append(piece)
            else:
                found.append(_document((piece,)))
    return tuple(found)


def statements(needs: Iterable[Need]) -> list[Statement]:
    """One statement for each pair of resources and condition; then one for statements that differ in resources only."""
    actions: dict[tuple[tuple[str, ...], Condition], set[str]] = {}
    for need in needs:
        actions.setdefault((need.resources, need.condition), set()).add(need.action)
    resources: dict[tuple[tuple[str, ...], Condition], set[str]] = {}
    for (what, condition), names in actions.items():
        resources.setdefault((tuple(sorted(names)), condition), set()).update(what)
    return [_statement(names, tuple(sorted(what)), condition) for (names, condition), what in resources.items()]


def size(document: Document) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def _statement(actions: tuple[str, ...], resources: tuple[str, ...], condition: Condition) -> Statement:
    made: Statement = {"Effect": "Allow", "Action": _one(actions), "Resource": _one(resources)}
    return {**made, "Condition": _conditions(condition)} if condition else made


def _conditions(condition: Condition) -> Mapping[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for operator, key, values in condition:
        found.setdefault(operator, {})[key] = _one(values)
    return found


def _one(values: tuple[str, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _pieces(statement: Statement) -> list[Statement]:
    """The statement, or halves of its actions where it alone would be too large."""
    actions = statement["Action"]
    if size(_document((statement,))) <= LARGEST or not isinstance(actions, list):
        return [statement]
    half = len(actions) // 2
    halves = ({**statement, "Action": _one(tuple(part))} for part in (actions[:half], actions[half:]))
    return [piece for part in halves for piece in _pieces(part)]


def _document(found: Iterable[Statement]) -> Document:
    return {"Version": VERSION, "Statement": list(found)}
