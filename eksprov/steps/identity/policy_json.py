"""Policy documents as text that can be compared: two documents that mean the same are the same string.

IAM and S3 hand a document back with lists in any order and lists of one as plain values
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), so both sides of a comparison are
written in one canonical form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

VERSION = "2012-10-17"  # of the policy language


def canonical(document: Any) -> str:
    """The document with keys and lists sorted and lists of one unwrapped; a string is parsed first."""
    if isinstance(document, str):
        try:
            document = json.loads(document) if document else {}
        except ValueError:  # AWS takes none that is no JSON; whatever answered, it is not what we want
            document = {"unreadable": document}
    return json.dumps(_settled(document), sort_keys=True, separators=(",", ":"))


def policy(statements: Iterable[dict[str, Any]]) -> str:
    """A policy document of these statements, canonical."""
    return canonical({"Version": VERSION, "Statement": list(statements)})


def statements(document: str) -> list[dict[str, Any]]:
    """The statements of a document, also where there is only one."""
    found = json.loads(document).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _settled(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        inner = sorted((_settled(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return inner[0] if len(inner) == 1 else inner
    return value
