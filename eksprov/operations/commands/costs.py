"""What a stack costs before and after a run: the hook of `cost` into plan. An offline plan needs no more than this."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from eksprov.aws.faults import translated
from eksprov.config.schema import Config
from eksprov.core.billing import Terms
from eksprov.core.describing import some
from eksprov.core.plan import Plan
from eksprov.cost.estimate import Estimate, estimate, monthly, wanted_items
from eksprov.cost.prices import offline, online
from eksprov.operations.stack import Opened
from eksprov.preflight.findings import Finding, Findings, sorted_out
from eksprov.steps.catalog.autoscaling import CLUSTER_AUTOSCALER
from eksprov.steps.cluster.facts import ClusterFacts

EXTENDED = "EXTENDED"


@dataclass(frozen=True)
class Forecast:
    """Costs and findings of a plan."""

    cost: Estimate
    findings: Findings = field(default_factory=Findings)
    note: str = ""  # why AWS was not asked for prices, where it should have been; else empty
    models: Plan = field(default_factory=lambda: Plan(()))
    """What `deploy-model` would do, a line a model: see `operations.commands.model_plan`."""


def costs(opened: Opened, plan: Plan, prices_file: Path | None) -> tuple[Estimate, str]:
    """The estimate, and why AWS could not be asked for prices. The local world is free, so prices are the package's."""
    config = opened.stack.config
    terms = Terms(_extended(opened, plan), autoscaled=_autoscaled(config))
    items = wanted_items(plan, terms)
    if config.target == "local":
        book = offline(opened.aws.region, items)
    else:
        zones = [zone.name for zone in opened.settled.zones]
        now = datetime.now(UTC).timestamp()
        book = online(opened.aws, items, zones, prices_file, now, opened.stack.together)
    return estimate(plan, book.prices, terms), book.note


def offline_costs(config: Config, plan: Plan) -> Estimate:
    """The estimate of an offline plan, from the package's prices."""
    terms = Terms(autoscaled=_autoscaled(config))
    book = offline(config.region, wanted_items(plan, terms))
    return estimate(plan, book.prices, terms)


def offline_forecast(config: Config, plan: Plan) -> Forecast:
    """The same, and whether it is above what the config allows."""
    cost = offline_costs(config, plan)
    return Forecast(cost, with_cost(config, Findings(), cost))


def with_cost(config: Config, findings: Findings, cost: Estimate) -> Findings:
    """The findings, and the warning of `cost.warn_above_usd_per_month` where it is due or may be."""
    limit = config.cost.warn_above_usd_per_month
    found = None if limit is None else _above(Decimal(str(limit)), cost)
    if found is None:
        return findings
    more = sorted_out((*findings.listed, found), config.preflight.suppress)
    return Findings(more.listed, tuple(sorted({*findings.suppressed, *more.suppressed})))


def _above(limit: Decimal, cost: Estimate) -> Finding | None:
    """What is known is compared; where that does not settle it, the finding says so."""
    month, most = f"${monthly(cost.hour_after):,.0f} a month", f"${monthly(cost.most_hour):,.0f}"
    key, unknown = f"cost.warn_above_usd_per_month ({limit:,.0f})", some(cost.unknown_after)
    if monthly(cost.hour_after) > limit and unknown:
        return _warning(f"the estimate of at least {month} is above {key}; not in it, of unknown price: {unknown}")
    if monthly(cost.hour_after) > limit:
        return _warning(f"the estimate of {month} is above {key}")
    if unknown:
        least = f"it is at least {month}, and the price is unknown of {unknown}"
        return _warning(f"whether the cost is above {key} cannot be known: {least}", known=False)
    if cost.grows and monthly(cost.most_hour) > limit:
        return _warning(f"the estimate of {month} grows to {most} with every node group at max_size, above {key}")
    if cost.grows and cost.unknown_most:
        grown = f"node groups may grow to max_size, and the price is unknown of {some(cost.unknown_most)}"
        return _warning(f"whether the cost stays below {key} cannot be known: {grown}", known=False)
    return None


def _warning(what: str, *, known: bool = True) -> Finding:
    return Finding("monthly-cost", "warning", what, known=known)


def _autoscaled(config: Config) -> bool:
    return config.autoscaler == CLUSTER_AUTOSCALER


def _extended(opened: Opened, plan: Plan) -> frozenset[str]:
    """The versions in extended support; asked only where it would be paid for."""
    if not any(want.support_type == EXTENDED for _, want, _ in plan.of(ClusterFacts)):
        return frozenset()
    from eksprov.preflight.reading import versions

    with translated("read EKS's versions"):
        return frozenset(name for name, known in versions(opened.aws).items() if known.status == "EXTENDED_SUPPORT")
