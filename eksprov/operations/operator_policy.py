"""The IAM policy of whoever runs eksprov on a stack: from config and record alone, AWS is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eksprov.config.schema import Config
from eksprov.core.change import UNKNOWN
from eksprov.operations.kinds import KINDS
from eksprov.operations.wanted import wanted
from eksprov.permissions import Phase, needs, place_of
from eksprov.permissions.document import documents
from eksprov.state.record import State
from eksprov.steps.choices import Choices, Zone, from_record

SLR = "iam:CreateServiceLinkedRole is used once an account; take it out where EKS has its roles already"


@dataclass(frozen=True)
class OperatorPolicy:
    """Documents that together allow what these phases need; `notes` say what they cannot know."""

    documents: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def operator_policy(
    config: Config, state: State | None, phases: Sequence[Phase], *, account: str, partition: str
) -> OperatorPolicy:
    """`account` (empty: the recorded one) and `partition` count where nothing is recorded."""
    choices = from_record(config, state.choices) if state is not None else None
    known = choices or _unsettled(config, account, partition)
    if account:
        known = replace(known, account=account)
    steps = wanted(config, known, state.stack_id if state else "")
    place = place_of(config.name, known.region, known.account, known.partition, steps, models=bool(config.models))
    kinds = tuple(kind for kind in KINDS if kind.world == "aws")
    found = needs(place, phases, kinds, admin=known.admin_principal_arn, state=config.state or "")
    return OperatorPolicy(documents(found), tuple(_notes(config, phases, known)))


def _unsettled(config: Config, account: str, partition: str) -> Choices:
    """What the first provision would settle, as far as names and ARNs need it."""
    zones = tuple(Zone(UNKNOWN, UNKNOWN) for _ in range(config.network.availability_zones))
    version = config.kubernetes_version or UNKNOWN  # no ARN has it
    return Choices(account or "*", partition, config.region, version, version, zones)


def _notes(config: Config, phases: Sequence[Phase], choices: Choices) -> list[str]:
    notes = []
    if choices.account == "*":
        notes.append("the account is not known yet, so ARNs name none; pass --account, or ask again after provision")
    if "provision" in phases:
        notes.append(SLR)
        if "teardown" not in phases:
            notes.append("a provision that removes what has left the config needs teardown's policy too")
    if not config.models and "deploy-model" in phases:
        notes.append("the config has no models, so deploy-model needs nothing")
    return notes
