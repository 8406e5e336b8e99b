"""The checks beside quotas, each a pure function from plan and facts to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from ipaddress import IPv4Network

from eksprov.core.change import Action
from eksprov.core.convergence.converge import is_ours
from eksprov.core.plan import Plan
from eksprov.core.step import Owner
from eksprov.core.words import article, noun, plural
from eksprov.preflight import disk_keys, quotas, reserved, system_pods
from eksprov.preflight.facts import NOT_ASKED, PreflightFacts, Unread
from eksprov.preflight.findings import Finding, Findings, Level, sorted_out, unknown
from eksprov.preflight.need import groups, is_ipv6, starts_auto_mode
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.network.subnet import SubnetFacts

SOON = timedelta(days=60)
POOR_SCORE = 3  # of 10 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-sps-works.html)
AWS_KEEPS = 5  # addresses of every subnet (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html)
# A node attaches one interface more than its pods need and fills both with addresses
# (https://github.com/aws/amazon-vpc-cni-k8s/blob/master/docs/eni-and-ip-target.md, WARM_ENI_TARGET=1).
FIRST_INTERFACES = 2
Check = Callable[[Plan, PreflightFacts, Owner], Iterable[Finding]]


def examine(plan: Plan, facts: PreflightFacts, us: Owner, suppress: Iterable[str] = ()) -> Findings:
    """Every check; without what the config suppresses."""
    found = [finding for check in CHECKS for finding in check(plan, facts, us)]
    return sorted_out(found, suppress)


def identity(_plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """Who calls; the root user can do all this and should do none of it."""
    arn = facts.identity.arn
    if arn.endswith(":root"):
        cure = "use a role or user of your own: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
        yield Finding("identity", "warning", "the account's root user is calling", cure)
    else:
        yield Finding("identity", "info", f"account {facts.identity.account} in {facts.region}, called by {arn}")


def permissions(_plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """What IAM's simulator says of the stack's own resources; it is not told all that conditions may ask for."""
    if facts.denied is NOT_ASKED:
        return
    if isinstance(facts.denied, Unread):
        why, cure = facts.denied.why, "allow iam:SimulatePrincipalPolicy on the caller to have it checked"
        yield unknown("permissions", "whether the caller's policies allow what this run does", why, cure)
        return
    explicit = sorted(action for action, decision in facts.denied.items() if decision == "explicitDeny")
    implicit = sorted(action for action, decision in facts.denied.items() if decision != "explicitDeny")
    if explicit:
        cure = "change the policy that denies them, or call with another role"
        yield Finding("permissions", "error", f"the caller is denied: {', '.join(explicit)}", cure)
    if implicit:
        what = f"the caller's policies do not allow this on the stack's resources: {', '.join(implicit)}"
        yield Finding("permissions", "warning", what, "`eksprov policy` prints a policy that does")


def instance_types(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """A type that the region or the zones do not have is found by EKS after minutes of trying."""
    for group in groups(plan):
        types = group.want.instance_types
        if not group.new:
            continue
        if isinstance(facts.offerings, Unread):
            yield unknown("instance-type-zones", f"where {', '.join(types)} are offered", facts.offerings.why)
            continue
        places = {name: facts.offerings.get(name, frozenset()) & set(facts.zones) for name in types}
        zones = ", ".join(facts.zones)
        nowhere = sorted(name for name, found in places.items() if not found)
        if len(nowhere) == len(places):
            what = f"{group.name}: none of its instance types is offered in {zones}: {', '.join(nowhere)}"
            cure = f"`aws ec2 describe-instance-type-offerings --region {facts.region}` lists what there is"
            level: Level = "warning" if group.name in facts.fallbacks else "error"
            yield Finding("instance-type-zones", level, what, cure)
            continue
        partly = {name: sorted(found) for name, found in places.items() if len(found) < len(facts.zones)}
        for name, found in sorted(partly.items()):
            where = f"only in {', '.join(found)}" if found else "in none of the stack's zones"
            what = f"{group.name}: {name} is offered {where}, not in all of {zones}"
            cure = "nodes come up where it is offered; add a type that is offered everywhere, or use other zones"
            yield Finding("instance-type-zones", "warning", what, cure)


def spot(_plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """How likely spot capacity is to be had now, from 1 to 10."""
    for group, score in sorted(facts.scores.items()):
        if isinstance(score, Unread):
            yield unknown("spot-score", f"{group}: how likely it is to get spot capacity", score.why)
        elif score <= POOR_SCORE:
            cure = "name more instance types, or use ON_DEMAND"
            yield Finding("spot-score", "warning", f"{group}: spot placement score {score} of 10", cure)


def kubernetes(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """Whether EKS still has the version, and how long in standard support."""
    for line, want, _ in plan.of(ClusterFacts):
        if isinstance(facts.versions, Unread):
            yield unknown("kubernetes-version", f"whether EKS supports Kubernetes {want.version}", facts.versions.why)
            continue
        known = facts.versions.get(want.version)
        making = line.change.action in (Action.CREATE, Action.REPLACE)
        if known is None or known.status == "UNSUPPORTED":
            offered = ", ".join(sorted(n for n, v in facts.versions.items() if v.status != "UNSUPPORTED"))
            what = f"EKS does not offer Kubernetes {want.version} (it offers {offered})"
            yield Finding("kubernetes-version", "error" if making else "warning", what, "choose an offered version")
        elif known.status == "EXTENDED_SUPPORT":
            then = "it costs more" if want.support_type == "EXTENDED" else "EKS will upgrade the cluster by itself"
            what = f"Kubernetes {want.version} is in extended support: {then}"
            yield Finding("kubernetes-support", "warning", what, "choose a newer version")
        elif known.standard_until is not None and known.standard_until - facts.today <= SOON:
            what = f"standard support of Kubernetes {want.version} ends on {known.standard_until}"
            yield Finding("kubernetes-support", "warning", what, "choose a newer version")


def names(plan: Plan, _facts: PreflightFacts, us: Owner) -> Iterator[Finding]:
    """What stands under our names and is not ours would be refused later, when half the stack is made."""
    for line in plan.lines:
        if line.problem and line.have is not None and not is_ours(line.have.owner, us):
            what = f"{line.name}: {article(noun(line.kind))} named {line.slug!r} {line.problem}"
            yield Finding("name-taken", "error", what, "choose another stack name, or remove what has the name")


def addresses(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """Nodes and pods live on the private subnets' addresses; with IPv6 only nodes take any of IPv4."""
    wanted = [group for group in groups(plan) if group.more or group.new]
    private = [want for _, want, _ in plan.of(SubnetFacts) if want.role == "internal-elb"]
    if not wanted or not private:
        return
    if isinstance(facts.types, Unread):
        yield unknown("address-space", "how many addresses the nodes take", facts.types.why)
        return
    room = sum(IPv4Network(want.cidr).num_addresses - AWS_KEEPS for want in private)
    now, most, alone = 0, 0, is_ipv6(plan)
    for group in wanted:
        known = [facts.types[name] for name in group.want.instance_types if name in facts.types]
        if not known:
            continue
        first = 1 if alone else min(each.addresses_per_interface * FIRST_INTERFACES for each in known)
        full = 1 if alone else max(each.addresses_per_interface * each.interfaces for each in known)
        now += group.want.desired_size * first
        most += group.ceiling(len(facts.zones)) * full
    cure = "choose a wider network.vpc_cidr (it cannot be changed later), or smaller groups"
    has = f"the private subnets have {plural(room, 'address')}"
    if now > room:
        what = f"{has}, and the nodes take {now} to begin with"
        yield Finding("address-space", "error", what, cure)
    elif most > room:
        what = f"{has}; at max_size, full of pods, the nodes may take {most}"
        yield Finding("address-space", "warning", what, cure)


def auto_mode(plan: Plan, _facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """How many nodes there will be, nobody knows beforehand."""
    if starts_auto_mode(plan):
        what = "EKS Auto Mode starts nodes as pods need them; nothing but the vCPU quota and replicas.max bounds them"
        yield Finding("auto-mode", "info", what)


def impossible(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """What would be refused when half the stack is made: node groups whose settings exclude one another."""
    for line in plan.lines:
        why = facts.impossible.get(line.name)
        if why and line.change.action is not Action.NONE:
            yield Finding("node-group", "error", f"{line.name}: {why}", "change the node group in the config")


def models(_plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """The stack can be made without them; `deploy-model` would refuse them."""
    for name, problem in sorted(facts.homeless.items()):
        yield Finding("model-nodes", "warning", f"model {name}: {problem.message}", problem.hint)
    for problem in facts.unservable:
        yield Finding("model-files", "warning", f"{problem.path}: {problem.message}", problem.hint)


CHECKS: tuple[Check, ...] = (
    *(identity, permissions, quotas.check, instance_types, spot, kubernetes, names, addresses),
    *(impossible, auto_mode, reserved.room, system_pods.room, system_pods.max_pods, models, disk_keys.usable),
)
