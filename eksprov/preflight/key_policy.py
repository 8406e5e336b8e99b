"""Whether a KMS key lets an IAM role use it: by the key's policy, or by a grant. Pure.

A role of AWS's own has no policy of anybody's, so what the key policy leaves to the account's IAM ("…:root") does not
help it (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html). A condition that is not known
here is taken to hold: nothing is refused for what nobody here understands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]


def lets(
    policy: Mapping[str, Any], grants: Iterable[Mapping[str, Any]], principal: str, actions: Iterable[str]
) -> bool:
    """Whether all `actions` ("kms:Decrypt") are open to the principal, taken together from policy and grants."""
    given = {f"kms:{name}" for one in grants if one.get("GranteePrincipal") == principal for name in one["Operations"]}
    statements = _listed(policy.get("Statement", []))
    return all(_allowed(statements, principal, action, granted=action in given) for action in actions)


def _allowed(statements: list[Any], principal: str, action: str, *, granted: bool) -> bool:
    said = {str(one.get("Effect")) for one in statements if _speaks_of(one, principal, action)}
    return "Deny" not in said and (granted or "Allow" in said)


def _speaks_of(statement: Statement, principal: str, action: str) -> bool:
    """A Deny with conditions is passed over: whether they hold, nobody here knows."""
    if statement.get("Effect") == "Deny" and statement.get("Condition"):
        return False
    return _names(statement, principal) and _has(statement, action)


def _names(statement: Statement, principal: str) -> bool:
    if "Principal" not in statement:
        return False
    named = statement["Principal"]
    arns = _listed(named.get("AWS", [])) if isinstance(named, dict) else _listed(named)
    by_condition = [
        str(value)
        for operator, tests in statement.get("Condition", {}).items()
        if operator.split(":")[-1] in ("ArnEquals", "ArnLike", "StringEquals", "StringLike")
        for key, values in tests.items()
        if key.lower() == "aws:principalarn"
        for value in _listed(values)
    ]
    if by_condition and not any(fnmatchcase(principal, pattern) for pattern in by_condition):
        return False
    return principal in arns or "*" in arns


def _has(statement: Statement, action: str) -> bool:
    def any_of(patterns: Any) -> bool:
        return any(fnmatchcase(action.lower(), str(pattern).lower()) for pattern in _listed(patterns))

    if "Action" in statement:
        return any_of(statement["Action"])
    return "NotAction" in statement and not any_of(statement["NotAction"])


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
