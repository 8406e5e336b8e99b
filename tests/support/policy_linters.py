"""What parliament and cloudsplaining say of a policy, at their strictest: as pairs of a finding and its subject."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from support.policies import overlap

Finding = tuple[str, str]
Document = Mapping[str, Any]
# What cloudsplaining is asked of rights that resources or conditions hold, too. Every write that there is would be an
# "infrastructure modification" then, so this is asked of the others only.
HELD_TOO = ("ServiceWildcard", "PrivilegeEscalation", "DataExfiltration", "ResourceExposure", "CredentialsExposure")


@cache
def _parliament() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports pkg_resources, and leaves files for the collector to close
        import parliament

        return parliament


def parliament_says(documents: Iterable[Document]) -> set[Finding]:
    """With its community's auditors, nothing muted."""
    documents = tuple(documents)
    return {finding for document in documents for finding in _parliament_on(document, documents)}


def _parliament_on(document: Document, every: tuple[Document, ...]) -> Iterator[Finding]:
    policy = _parliament().analyze_policy_string(json.dumps(document), include_community_auditors=True)
    for found in policy.findings:
        if found.issue == "RESOURCE_MISMATCH":
            for detail in found.detail:
                lacking = "" if _elsewhere(detail, every) else f" nowhere on {detail['required_format']}"
                yield f"parliament {found.issue}", f"{detail['action']}{lacking}"
        elif found.issue == "PRIVILEGE_ESCALATION":
            yield f"parliament {found.issue}", " + ".join(sorted(found.location["actions"]))
        elif found.issue == "RESOURCE_POLICY_PRIVILEGE_ESCALATION":
            yield f"parliament {found.issue}", re.sub(r".* on (\S+) .* allow (\S+)", r"\2 on \1", found.detail)
        else:
            subjects = found.location.get("actions", found.detail)
            for subject in [subjects] if isinstance(subjects, str) else subjects:
                yield f"parliament {found.issue}", str(subject)


def _elsewhere(detail: Mapping[str, str], every: tuple[Document, ...]) -> bool:
    """Whether another statement allows the action on the type of resource that this one lacks."""
    return any(
        detail["action"] in _many(one["Action"])
        and any(overlap(detail["required_format"], resource) for resource in _many(one["Resource"]))
        for document in every
        for one in document["Statement"]
    )


def cloudsplaining_says(documents: Iterable[Document]) -> set[Finding]:
    """Without exclusions; of rights that conditions or resources hold, too."""
    return {finding for document in documents for finding in _cloudsplaining_on(document)}


def _cloudsplaining_on(document: Document) -> Iterator[Finding]:
    from cloudsplaining.command.scan_policy_file import scan_policy

    plain = scan_policy(dict(document), exclusions_config={})
    held = scan_policy(
        dict(document), exclusions_config={}, flag_conditional_statements=True, flag_resource_arn_statements=True
    )
    for name in HELD_TOO:
        for found in held[name]["findings"]:
            yield f"cloudsplaining {name}", found["type"] if isinstance(found, dict) else found
    for found in plain["InfrastructureModification"]["findings"]:
        yield "cloudsplaining InfrastructureModification", found


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
