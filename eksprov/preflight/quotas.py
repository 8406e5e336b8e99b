"""Quotas against present use and what a run adds. Pure.

Codes and first values: https://docs.aws.amazon.com/general/latest/gr/ec2-service.html,
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html,
https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html. Values differ from account to account, so they
are always read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eksprov.core.plan import Plan
from eksprov.core.step import Facts as StepFacts
from eksprov.core.step import Owner
from eksprov.preflight.facts import NOT_ASKED, PreflightFacts, Unread
from eksprov.preflight.findings import Finding, unknown
from eksprov.preflight.need import (
    AUTO_MODE_CODE,
    AUTO_MODE_VCPUS,
    Group,
    created,
    groups,
    quota_code,
    starts_auto_mode,
    vcpus,
)
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.network.elastic_ip import ElasticIpFacts
from eksprov.steps.network.nat_gateway import NatGatewayFacts
from eksprov.steps.network.vpc import VpcFacts


@dataclass(frozen=True)
class Quota:
    """A quota of Service Quotas; `finding` is the name of what is found about it, `of` are the facts of what counts."""

    finding: str
    service: str
    code: str
    title: str
    unit: str = ""
    of: type[StepFacts] | None = None


_STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)"
QUOTAS = (
    Quota("quota-vcpu-standard", "ec2", "L-1216C47A", f"Running On-Demand {_STANDARD} instances", " vCPUs"),
    Quota("quota-vcpu-g", "ec2", "L-DB2E81BA", "Running On-Demand G and VT instances", " vCPUs"),
    Quota("quota-vcpu-p", "ec2", "L-417A185B", "Running On-Demand P instances", " vCPUs"),
    Quota("quota-vcpu-inf", "ec2", "L-1945791B", "Running On-Demand Inf instances", " vCPUs"),
    Quota("quota-vcpu-trn", "ec2", "L-2C3B7624", "Running On-Demand Trn instances", " vCPUs"),
    Quota("quota-spot-standard", "ec2", "L-34B43A08", f"All {_STANDARD} Spot Instance Requests", " vCPUs"),
    Quota("quota-spot-g", "ec2", "L-3819A6DF", "All G and VT Spot Instance Requests", " vCPUs"),
    Quota("quota-spot-p", "ec2", "L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", " vCPUs"),
    Quota("quota-spot-p5", "ec2", "L-C4BD4855", "All P5 Spot Instance Requests", " vCPUs"),
    Quota("quota-spot-inf", "ec2", "L-B5D1601B", "All Inf Spot Instance Requests", " vCPUs"),
    Quota("quota-spot-trn", "ec2", "L-6B0D517C", "All Trn Spot Instance Requests", " vCPUs"),
    Quota("quota-elastic-ip", "ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", of=ElasticIpFacts),
    Quota("quota-vpc", "vpc", "L-F678F1CE", "VPCs per Region", of=VpcFacts),
    Quota("quota-nat-gateway", "vpc", "L-FE5A380F", "NAT gateways per Availability Zone", of=NatGatewayFacts),
    Quota("quota-eks-cluster", "eks", "L-1194D53C", "Clusters", of=ClusterFacts),
    Quota("quota-eks-node-group", "eks", "L-6D54EA21", "Managed node groups per cluster"),
    Quota("quota-eks-nodes-per-group", "eks", "L-BD136A63", "Nodes per managed node group"),
)
# https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/using-govcloud-endpoints.html and, for China,
# https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
BY_CODE = {quota.code: quota for quota in QUOTAS}


@dataclass(frozen=True)
class Demand:
    """How much of a quota is used, what this run adds, and what may come on top of present use at most."""

    quota: Quota
    used: float | Unread
    adds: float
    most: float


def relevant(plan: Plan, fallbacks: Mapping[str, frozenset[str]] | None = None) -> tuple[Quota, ...]:
    """The quotas that a plan's resources count against, or would if it took another choice."""
    wanted = groups(plan)
    codes = {quota_code(name, group.want.capacity_type) for group in wanted for name in group.want.instance_types}
    codes |= {code for group in wanted for code in (fallbacks or {}).get(group.name, ())}
    codes |= {AUTO_MODE_CODE} if starts_auto_mode(plan) else set()
    codes |= {quota.code for quota in QUOTAS if quota.of is not None and created(plan, quota.of)}
    codes |= {"L-6D54EA21"} if any(group.new for group in wanted) else set()
    codes |= {"L-BD136A63"} if wanted else set()
    return tuple(quota for quota in QUOTAS if quota.code in codes)


def check(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """One finding a quota that does not suffice, will not at full size, or could not be read."""
    nowhere = [finding for group in groups(plan) for finding in _nowhere(group, facts)]
    yield from nowhere
    for demand in demands(plan, facts):
        if demand.quota.finding not in {finding.name for finding in nowhere}:
            yield from _judge(demand, facts)
    for group in groups(plan):
        bought = group.want.capacity_type
        strange = [name for name in group.want.instance_types if not quota_code(name, bought)]
        if strange and bought in ("ON_DEMAND", "SPOT"):
            what = f"which vCPU quota {', '.join(strange)} counts against"
            yield unknown("quota-vcpu-other", f"{group.name}: {what}", "not one of the families known here")


def _nowhere(group: Group, facts: PreflightFacts) -> Iterator[Finding]:
    """A group that may go elsewhere, but for none of whose choices the quotas leave a single vCPU."""
    codes = facts.fallbacks.get(group.name, frozenset())
    if not group.more or not codes or not all(_is_spent(code, facts) for code in codes):
        return
    spent = [BY_CODE[code] for code in sorted(codes)]
    titles = ", ".join(f"{quota.title!r} ({quota.service} {quota.code})" for quota in spent)
    message = f"{group.name}: no choice of it can start: nothing is left of the quotas {titles}"
    kind = group.want.instance_types[0]
    first = BY_CODE[quota_code(kind, group.want.capacity_type)]
    cores = facts.types[kind].vcpus if not isinstance(facts.types, Unread) else 1
    yield Finding(first.finding, "error", message, _cure(Demand(first, 0.0, group.more * cores, 0.0), facts))


def _is_spent(code: str, facts: PreflightFacts) -> bool:
    value, used = facts.quotas.get(code, NOT_ASKED), facts.use.vcpus
    return not isinstance(value, Unread) and not isinstance(used, Unread) and value - used.get(code, 0) < 1


def demands(plan: Plan, facts: PreflightFacts) -> Iterator[Demand]:
    """What is asked of each relevant quota."""
    wanted, use = groups(plan), facts.use
    types = {} if isinstance(facts.types, Unread) else facts.types
    now, most = vcpus(wanted, types, len(facts.zones), facts.fallbacks)
    simple: dict[str, tuple[float | Unread, float, float]] = {
        "L-0263D0A3": (use.elastic_ips, *_twice(created(plan, ElasticIpFacts))),
        "L-F678F1CE": (use.vpcs, *_twice(created(plan, VpcFacts))),
        "L-FE5A380F": (_busiest(facts), *_twice(min(1, created(plan, NatGatewayFacts)))),
        "L-1194D53C": (use.clusters, *_twice(created(plan, ClusterFacts))),
        "L-6D54EA21": (0, *_twice(len(wanted))),
        "L-BD136A63": (
            0,
            max((group.want.desired_size for group in wanted), default=0),
            max((group.want.max_size for group in wanted), default=0),
        ),
    }
    for quota in relevant(plan):
        if quota.code in simple:
            yield Demand(quota, *simple[quota.code])
            continue
        unread = next((part for part in (facts.types, use.vcpus) if isinstance(part, Unread)), None)
        first = AUTO_MODE_VCPUS if quota.code == AUTO_MODE_CODE and starts_auto_mode(plan) else 0
        used = unread or float(use.vcpus.get(quota.code, 0))  # type: ignore[union-attr]  # read, or `unread` says why not
        yield Demand(quota, used, now.get(quota.code, 0) + first, most.get(quota.code, 0) + first)


def _busiest(facts: PreflightFacts) -> float | Unread:
    """NAT gateways in that zone of the stack's which has most of them."""
    gateways = facts.use.nat_gateways
    if isinstance(gateways, Unread):
        return gateways
    return max((gateways.get(zone, 0) for zone in facts.zones), default=0)


def _judge(demand: Demand, facts: PreflightFacts) -> Iterator[Finding]:
    quota, value = demand.quota, facts.quotas.get(demand.quota.code, Unread("it was not asked for"))
    title = f"quota {quota.title!r} ({quota.service} {quota.code})"
    if isinstance(value, Unread):
        yield unknown(quota.finding, f"the {title}, of which this run takes {demand.adds:g}{quota.unit}", value.why)
        return
    used = demand.used
    if isinstance(used, Unread):
        if demand.adds > value:
            yield Finding(quota.finding, "error", _short(title, value, demand, "an unknown part"), _cure(demand, facts))
        else:
            yield unknown(quota.finding, f"how much of the {title} of {value:g} is in use", used.why)
    elif used + demand.adds > value and demand.adds:
        yield Finding(quota.finding, "error", _short(title, value, demand, f"{used:g}"), _cure(demand, facts))
    elif used + demand.most > value:
        most = f"at max_size and while nodes are replaced it may take {demand.most:g}{quota.unit} more"
        message = f"the {title} is {value:g}, {used:g} in use; {most}"
        yield Finding(quota.finding, "warning", message, _cure(demand, facts))


def _short(title: str, value: float, demand: Demand, used: str) -> str:
    return f"the {title} is {value:g}, {used} in use; this run needs {demand.adds:g}{demand.quota.unit} more"


def _cure(demand: Demand, facts: PreflightFacts) -> str:
    quota, used = demand.quota, 0.0 if isinstance(demand.used, Unread) else demand.used
    wanted = used + max(demand.adds, demand.most)
    return (
        f"ask for {wanted:g}: aws service-quotas request-service-quota-increase --region {facts.region} "
        f"--service-code {quota.service} --quota-code {quota.code} --desired-value {wanted:g}{_console(quota, facts)}"
    )


def _console(quota: Quota, facts: PreflightFacts) -> str:
    """Where the console has it, in partitions whose console is known."""
    host = CONSOLES.get(facts.identity.partition)
    if host is None:
        return ""
    path = f"servicequotas/home/services/{quota.service}/quotas/{quota.code}"
    return f" (or in the console: https://{facts.region}.{host}/{path})"


def _twice(count: float) -> tuple[float, float]:
    return count, count
