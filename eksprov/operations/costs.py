"""What a stack costs before and after a run: the hook of `cost` into plan. An offline plan needs no more than this."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from eksprov.aws.faults import translated
from eksprov.config.schema import Config
from eksprov.core.change import Action, Change
from eksprov.core.plan import Plan, Planned
from eksprov.core.step import Outputs
from eksprov.cost.estimate import Estimate, estimate, wanted_items
from eksprov.cost.items import Terms
from eksprov.cost.prices import offline, online
from eksprov.operations.stack import Opened
from eksprov.operations.wanted import wanted
from eksprov.preflight.findings import Findings
from eksprov.steps.choices import from_record

EXTENDED = "EXTENDED"


@dataclass(frozen=True)
class Forecast:
    """Costs and findings of a plan; `note` says why AWS was not asked for prices, where it should have been."""

    cost: Estimate
    findings: Findings = field(default_factory=Findings)
    note: str = ""


def costs(opened: Opened, plan: Plan, prices_file: Path | None) -> tuple[Estimate, str]:
    """The estimate, and why AWS could not be asked for prices. The local world is free, so prices are the package's."""
    config = opened.stack.config
    terms = Terms(_extended(opened, plan))
    items = wanted_items(plan, terms)
    if config.target == "local":
        book = offline(opened.aws.region, items)
    else:
        zones = [zone.name for zone in opened.choices.zones]
        now = datetime.now(UTC).timestamp()
        book = online(opened.aws, items, zones, prices_file, now, opened.stack.together)
    return estimate(plan, book.prices, terms), book.note


def offline_costs(config: Config, plan: Plan) -> Estimate:
    """The estimate of an offline plan, from the package's prices; an unrecorded stack counts as a new one."""
    if not any(line.want is not None for line in plan.lines):
        plan = _as_new(config)
    items = wanted_items(plan, Terms())
    book = offline(config.region, items)
    return estimate(plan, book.prices, Terms())


def _extended(opened: Opened, plan: Plan) -> frozenset[str]:
    """The versions in extended support; asked only where it would be paid for."""
    if not any(getattr(line.want, "support_type", "") == EXTENDED for line in plan.lines):
        return frozenset()
    from eksprov.preflight.reading import versions

    with translated("read EKS's versions"):
        return frozenset(name for name, known in versions(opened.aws).items() if known.status == "EXTENDED_SUPPORT")


def _as_new(config: Config) -> Plan:
    """Every step as if it were to be made, with what AWS would choose left open."""
    zone = {"account": "", "zones": "unknown=unknown", "kubernetes_version": config.kubernetes_version or "unknown"}
    choices = from_record(config, zone)
    assert choices is not None
    create, outputs = Change(Action.CREATE, reason="not recorded"), Outputs()
    steps = [step for step in wanted(config, choices, "") if step.world == "aws"]
    return Plan(
        tuple(Planned(step.name, step.kind, step.slug, create, want=step.desired(outputs)) for step in steps),
        basis="record",
    )
