"""What IAM policy documents allow, as far as a pod's role in the local world needs it.

An explicit Deny wins, an Allow is needed, nothing else counts
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). Conditions know the
string and Bool operators; any other operator makes an Allow not apply and a Deny apply, so that an error of ours
refuses instead of opening.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

VARIABLE = re.compile(r"\$\{([^}]+)\}")


def allows(documents: Iterable[str], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Whether these policies, taken together, allow `action` on `resource`.

    `context` maps lower-case condition keys ("s3:prefix") to values.
    """
    allowed = False
    for document in documents:
        for statement in _list(json.loads(document).get("Statement", [])):
            if not _applies(statement, action, resource, context):
                continue
            if statement.get("Effect") == "Deny":
                return False
            allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def documents_of(role: Any) -> list[str]:
    """The policies of one of moto's roles: inline ones, and the default versions of those that are attached."""
    attached = [
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
    return [*role.policies.values(), *attached]


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    if not _named(statement, "Action", action.lower(), {}, lower=True):
        return False
    if not _named(statement, "Resource", resource, context):
        return False
    unknown = statement.get("Effect") == "Deny"
    return all(
        _holds(operator, key.lower(), _list(wanted), context, unknown)
        for operator, tests in statement.get("Condition", {}).items()
        for key, wanted in tests.items()
    )


def _named(
    statement: Mapping[str, Any], element: str, value: str, context: Mapping[str, str], *, lower: bool = False
) -> bool:
    def any_of(patterns: list[Any]) -> bool:
        return any(_like(_filled(str(each).lower() if lower else str(each), context), value) for each in patterns)

    if element in statement:
        return any_of(_list(statement[element]))
    return f"Not{element}" in statement and not any_of(_list(statement[f"Not{element}"]))


def _holds(operator: str, key: str, wanted: list[Any], context: Mapping[str, str], unknown: bool) -> bool:
    name = operator.removeprefix("ForAnyValue:").removeprefix("ForAllValues:").removesuffix("IfExists")
    have = context.get(key)
    values = [_filled(str(each), context) for each in wanted]
    if name == "Null":
        return (have is None) == (values == ["true"])
    if have is None:
        return operator.endswith("IfExists") or "Not" in name
    match name:
        case "StringEquals":
            return have in values
        case "StringNotEquals":
            return have not in values
        case "StringEqualsIgnoreCase" | "Bool":
            return have.lower() in [value.lower() for value in values]
        case "StringLike" | "ArnLike" | "ArnEquals":
            return any(_like(value, have) for value in values)
        case "StringNotLike" | "ArnNotLike" | "ArnNotEquals":
            return not any(_like(value, have) for value in values)
        case _:
            return unknown


def _filled(text: str, context: Mapping[str, str]) -> str:
    # A variable without a value leaves a text that nothing equals, as AWS does.
    return VARIABLE.sub(lambda found: context.get(found[1].lower(), found[0]), text)


def _like(pattern: str, value: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
