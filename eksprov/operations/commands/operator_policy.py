"""The IAM policy of whoever runs eksprov on a stack: from config and record alone, AWS is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eksprov.config.schema import Config, Model
from eksprov.core.change import UNKNOWN
from eksprov.core.names import InBucket, is_models, model_step
from eksprov.core.step import AnyStep
from eksprov.operations.kinds import KINDS, step_of
from eksprov.operations.wanted import wanted
from eksprov.permissions import Phase, Place, needs, place_of
from eksprov.permissions.document import documents
from eksprov.preflight.references import LOOK_UPS, named_in
from eksprov.serving.files import ModelFiles
from eksprov.serving.spec import model_prefix, service_account
from eksprov.state.record import State
from eksprov.steps.catalog import bucket_name, model_association, model_dashboard, model_role
from eksprov.steps.settled import Settled, Zone, from_record

ANY_VERSION = "1.0"  # no ARN names Kubernetes' version
SLR = "iam:CreateServiceLinkedRole is used once an account; take it out where EKS has its roles already"


@dataclass(frozen=True)
class OperatorPolicy:
    """IAM policies that together allow what an operator's commands need."""

    documents: tuple[Mapping[str, Any], ...]  # policies as IAM takes them
    notes: tuple[str, ...]  # what they cannot know, for people


def operator_policy(
    config: Config, state: State | None, phases: Sequence[Phase], *, account: str, partition: str
) -> OperatorPolicy:
    """`account` (empty: the recorded one) and `partition` count where nothing is recorded."""
    settled = from_record(config, state.choices) if state is not None else None
    known = settled or _unsettled(config, account, partition)
    if account:
        known = replace(known, account=account)
    place = place_in(config, known, state)
    kinds = tuple(kind for kind in KINDS if kind.world == "aws")
    found = needs(place, phases, kinds, state=config.state or "")
    return OperatorPolicy(documents(found), tuple(_notes(config, phases, known)))


def place_before(config: Config, account: str, partition: str) -> Place:
    """The stack as it would be, before anything is recorded of it."""
    return place_in(config, _unsettled(config, account, partition), None)


def place_in(config: Config, settled: Settled, state: State | None) -> Place:
    """The stack with its steps, its models', and what an earlier config has left in the record."""
    steps = [step for step in wanted(config, settled, state.stack_id if state else "") if not is_models(step.name)]
    models = [step for model in config.models for step in _of_model(config, settled, model)]
    known = {step.name for step in (*steps, *models)}
    records = state.steps.items() if state is not None else ()
    left = [step_of(name, record) for name, record in records if name not in known]
    where = (config.name, settled.region, settled.account, settled.partition)
    boundary, named = config.iam.boundary_arn, looked_up(config)
    return place_of(*where, steps, models=models, left=left, permissions_boundary=boundary, named=named)


def looked_up(config: Config) -> dict[str, tuple[str, ...]]:
    """What the config names and preflight looks up, by the look-up's name."""
    found: dict[str, tuple[str, ...]] = {}
    for one in named_in(config):
        name = LOOK_UPS[one.key].name
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), one.value)))
    return found


def _of_model(config: Config, settled: Settled, model: Model) -> tuple[AnyStep, ...]:
    """What a model's deployment makes in AWS; which files it has, no policy depends on."""
    association = model_association(config, model.name, model.namespace, service_account(model.name))
    shown = model_dashboard(config, settled, model.name, model.namespace)
    files = InBucket(bucket_name(config, settled), model_prefix(model.name))
    stored = ModelFiles(name=model_step(model.name, "files"), slug=str(files))
    return (model_role(config, settled, model.name), association, *shown, stored)


def _unsettled(config: Config, account: str, partition: str) -> Settled:
    """What the first provision would settle, as far as names and ARNs need it."""
    zones = tuple(Zone(UNKNOWN, UNKNOWN) for _ in range(config.network.availability_zones))
    version = config.kubernetes_version or ANY_VERSION
    return Settled(account or "*", partition, config.region, version, version, zones)


def _notes(config: Config, phases: Sequence[Phase], settled: Settled) -> list[str]:
    notes = []
    if settled.account == "*":
        notes.append("the account is not known yet, so ARNs name none; pass --account, or ask again after provision")
    if "provision" in phases:
        notes.append(SLR)
        if "teardown" not in phases:
            notes.append("a provision that removes what has left the config needs teardown's policy too")
    if not config.models and "deploy-model" in phases:
        notes.append("the config has no models, so deploy-model needs nothing")
    return notes
