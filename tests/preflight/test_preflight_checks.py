"""The checks, from made-up readings: what is enough, what is not, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, get_args

import pytest
from support.scripted_step import Facts as Thing

from eksprov.aws.session import Identity
from eksprov.config.schema.preflight import FindingName
from eksprov.core.change import NO_CHANGE, Action, Change
from eksprov.core.plan import Plan, Planned
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.preflight import quotas
from eksprov.preflight.checks import examine
from eksprov.preflight.facts import PreflightFacts, ReservationFacts, TypeFacts, Unread, Use, VersionFacts
from eksprov.preflight.findings import Finding
from eksprov.preflight.need import family, groups, quota_code
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.network.elastic_ip import ElasticIp
from eksprov.steps.network.nat_gateway import NatGateway
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.network.vpc import Vpc
from eksprov.steps.node_groups.facts import NodeGroupFacts, UpdateRule
from eksprov.steps.node_groups.node_group import NodeGroup

US = Owner("demo", "id-1")
ZONES = ("us-west-2a", "us-west-2b")
TYPES = {"m7i.large": TypeFacts(2, 3, 10), "g5.xlarge": TypeFacts(4, 4, 15), "g6.12xlarge": TypeFacts(48, 8, 30)}
MAKE = Change(Action.CREATE)
FACTS = PreflightFacts(
    identity=Identity("123456789012", "arn:aws:iam::123456789012:user/me", "aws"),
    region="us-west-2",
    today=date(2026, 11, 24),
    zones=ZONES,
    quotas={quota.code: 1000.0 for quota in quotas.QUOTAS},
    use=Use(vcpus={}, elastic_ips=0, vpcs=0, clusters=0, nat_gateways={}),
    types=TYPES,
    offerings={name: frozenset(ZONES) for name in TYPES},
    versions={"1.35": VersionFacts("STANDARD_SUPPORT", date(2027, 3, 27))},
    denied={},
)
DENIED = Unread("could not read it: AccessDenied")


def size(desired: int = 2, most: int = 3, **more: Any) -> NodeGroupFacts:
    settings = {"instance_types": ("m7i.large",), "desired_size": desired, "max_size": most, **more}
    return NodeGroup(name="node-group/gpu", slug="demo/gpu", **settings).desired(Outputs())


def group(name: str = "gpu", have: Any = None, change: Change = MAKE, **more: Any) -> Planned:
    return Planned(f"node-group/{name}", "node-group", f"demo/{name}", change, have=have, want=size(**more))


def made(kind: type[AnyStep], name: str = "", **settings: Any) -> Planned:
    step = kind(name=name or f"{kind.kind}/1", slug="demo", **settings)
    return Planned(step.name, step.kind, step.slug, MAKE, want=step.desired(Outputs()))


def found(*lines: Planned, suppress: tuple[str, ...] = (), **facts: Any) -> dict[str, Finding]:
    listed = examine(Plan(lines), replace(FACTS, **facts), US, suppress).listed
    return {finding.name: finding for finding in listed if finding.name != "identity"}


def test_where_all_is_well_nothing_is_found() -> None:
    cluster = made(Cluster, version="1.35", support_type="STANDARD")
    lines = (group(), made(Vpc), made(ElasticIp), made(NatGateway), cluster)
    assert found(*lines) == {}


def test_no_gpu_quota_is_an_error_with_its_name_code_and_cure() -> None:
    line = group(instance_types=("g5.xlarge",))
    one = found(line, quotas={**FACTS.quotas, "L-DB2E81BA": 0.0})["quota-vcpu-g"]
    assert one.level == "error"
    assert "'Running On-Demand G and VT instances' (ec2 L-DB2E81BA) is 0, 0 in use; this run needs 8" in one.message
    assert "--service-code ec2 --quota-code L-DB2E81BA --desired-value 28" in one.cure
    assert "console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-DB2E81BA" in one.cure


@pytest.mark.parametrize(
    ("limit", "used", "level"), [(18, 4, ""), (17, 4, "warning"), (8, 4, "warning"), (7, 4, "error"), (4, 0, "warning")]
)
def test_use_need_and_surge_are_held_against_a_quota(limit: float, used: int, level: str) -> None:
    """Two nodes of 2 vCPUs now; three, and two a zone more while they are replaced, at most: 14."""
    use = replace(FACTS.use, vcpus={"L-1216C47A": used})
    seen = found(group(), quotas={**FACTS.quotas, "L-1216C47A": float(limit)}, use=use)
    assert (seen["quota-vcpu-standard"].level if seen else "") == level


def test_a_group_that_stands_needs_only_what_is_added() -> None:
    grown = group(have=size(2), desired=3, change=Change(Action.UPDATE))
    use = replace(FACTS.use, vcpus={"L-1216C47A": 4})
    assert found(grown, quotas={**FACTS.quotas, "L-1216C47A": 5.0}, use=use)["quota-vcpu-standard"].level == "error"
    assert found(grown, quotas={**FACTS.quotas, "L-1216C47A": 14.0}, use=use) == {}


def test_minimal_updates_need_no_surge() -> None:
    assert found(group(update_rule=UpdateRule(strategy="MINIMAL")), quotas={**FACTS.quotas, "L-1216C47A": 6.0}) == {}


def test_capacity_blocks_count_against_no_vcpu_quota() -> None:
    none = {code: 0.0 for code in FACTS.quotas} | {"L-6D54EA21": 30.0, "L-BD136A63": 450.0}
    assert found(group(capacity_type="CAPACITY_BLOCK"), quotas=none) == {}


def test_what_cannot_be_read_is_unknown_and_no_error() -> None:
    unread = dict.fromkeys(FACTS.quotas, DENIED)
    seen = found(group(), made(Vpc), quotas=unread, denied=DENIED, offerings=DENIED)
    assert set(seen) == {
        *("quota-vcpu-standard", "quota-vpc", "quota-eks-node-group", "quota-eks-nodes-per-group"),
        *("permissions", "instance-type-zones"),
    }
    assert {(one.level, one.known) for one in seen.values()} == {("warning", False)}
    assert all("unknown" in one.message and "AccessDenied" in one.message for one in seen.values())


def test_unread_use_does_not_hide_a_quota_that_is_too_small_anyway() -> None:
    use = replace(FACTS.use, vcpus=DENIED)
    assert found(group(), quotas={**FACTS.quotas, "L-1216C47A": 3.0}, use=use)["quota-vcpu-standard"].level == "error"
    assert found(group(), use=use)["quota-vcpu-standard"].known is False


def test_unread_types_leave_the_need_unknown() -> None:
    seen = found(group(), types=DENIED)
    assert seen["quota-vcpu-standard"].known is False


@pytest.mark.parametrize(
    ("line", "code", "use", "name"),
    [
        (made(ElasticIp), "L-0263D0A3", {"elastic_ips": 5}, "quota-elastic-ip"),
        (made(Vpc), "L-F678F1CE", {"vpcs": 5}, "quota-vpc"),
        (made(NatGateway), "L-FE5A380F", {"nat_gateways": {"us-west-2b": 5}}, "quota-nat-gateway"),
        (
            made(Cluster, version="1.35", support_type="STANDARD"),
            "L-1194D53C",
            {"clusters": 5},
            "quota-eks-cluster",
        ),
    ],
)
def test_the_sixth_of_five_is_an_error(line: Planned, code: str, use: dict[str, Any], name: str) -> None:
    limits = {**FACTS.quotas, code: 5.0}
    assert found(line, quotas=limits, use=replace(FACTS.use, **use))[name].level == "error"
    assert found(line, quotas={**limits, code: 6.0}, use=replace(FACTS.use, **use)) == {}
    assert found(replace(line, change=NO_CHANGE, have=line.want), quotas=limits, use=replace(FACTS.use, **use)) == {}


def test_nodes_per_group_are_limited() -> None:
    seen = found(group(desired=3, most=460), quotas={**FACTS.quotas, "L-BD136A63": 450.0}, types={})
    assert seen["quota-eks-nodes-per-group"].level == "warning"


def test_a_type_that_no_zone_has_is_an_error_and_one_that_some_have_a_warning() -> None:
    nowhere = found(group(), offerings={})["instance-type-zones"]
    assert (nowhere.level, "m7i.large" in nowhere.message) == ("error", True)
    partly = found(group(), offerings={"m7i.large": frozenset({"us-west-2b"})})["instance-type-zones"]
    assert (partly.level, "only in us-west-2b" in partly.message) == ("warning", True)
    two = group(instance_types=("m7i.large", "g5.xlarge"))
    assert found(two, offerings={"g5.xlarge": frozenset(ZONES)})["instance-type-zones"].level == "warning"


def test_a_group_with_a_fallback_is_warned_and_not_stopped() -> None:
    none = {**FACTS.quotas, "L-DB2E81BA": 0.0, "L-3819A6DF": 0.0}
    other = {"node-group/gpu": frozenset({"L-DB2E81BA", "L-1216C47A"})}
    line = group(instance_types=("g5.xlarge",))
    assert found(line, quotas=none, fallbacks=other)["quota-vcpu-g"].level == "warning"
    assert found(line, offerings={}, fallbacks=other)["instance-type-zones"].level == "warning"
    nowhere = {"node-group/gpu": frozenset({"L-DB2E81BA", "L-3819A6DF"})}
    stopped = found(line, quotas=none, fallbacks=nowhere)["quota-vcpu-g"]
    assert stopped.level == "error"
    assert "L-3819A6DF" in stopped.message
    assert "--quota-code L-DB2E81BA --desired-value 8" in stopped.cure
    unread = {**none, "L-3819A6DF": DENIED}
    assert found(line, quotas=unread, fallbacks=nowhere)["quota-vcpu-g"].level == "warning"


def test_a_poor_placement_score_is_said() -> None:
    assert found(group(), scores={"node-group/gpu": 2})["spot-score"].level == "warning"
    assert found(group(), scores={"node-group/gpu": 9}) == {}
    assert found(group(), scores={"node-group/gpu": DENIED})["spot-score"].known is False


def test_versions_that_are_gone_paid_or_ending() -> None:
    def of(version: str, support: str = "STANDARD", today: date = FACTS.today) -> dict[str, Finding]:
        line = made(Cluster, version=version, support_type=support)
        known = {**dict(FACTS.versions), "1.33": VersionFacts("EXTENDED_SUPPORT", date(2026, 7, 29))}  # type: ignore[arg-type]  # read
        return found(line, versions=known, today=today)

    assert of("1.35") == {}
    assert of("1.30")["kubernetes-version"].level == "error"
    assert "costs more" in of("1.33", "EXTENDED")["kubernetes-support"].message
    assert "upgrade" in of("1.33")["kubernetes-support"].message
    assert "2027-03-27" in of("1.35", today=date(2027, 2, 1))["kubernetes-support"].message


def test_a_strangers_name_is_an_error() -> None:
    stranger = Thing(owner=None)
    line = Planned("bucket/models", "bucket", "demo-models", NO_CHANGE, "exists and is not this stack's", have=stranger)
    assert "demo-models" in found(line)["name-taken"].message
    ours = replace(line, have=Thing(owner=US))
    assert found(ours) == {}


def test_denied_actions_are_errors_and_missing_ones_warnings() -> None:
    seen = found(group(), denied={"eks:CreateCluster": "explicitDeny"})["permissions"]
    assert (seen.level, "eks:CreateCluster" in seen.message) == ("error", True)
    assert found(group(), denied={"eks:CreateCluster": "implicitDeny"})["permissions"].level == "warning"


def test_addresses_for_nodes_and_their_pods() -> None:
    def subnets(bits: int) -> list[Planned]:
        ranges = (f"10.0.{number}.0/{bits}" for number in (0, 128))
        return [made(Subnet, f"subnet/{n}", cidr=cidr) for n, cidr in enumerate(ranges)]

    assert found(group(), *subnets(22)) == {}
    assert found(group(), *subnets(26))["address-space"].level == "warning"
    assert found(group(desired=20, most=20), *subnets(26))["address-space"].level == "error"


def test_the_root_user_is_warned() -> None:
    root = replace(FACTS, identity=Identity("1", "arn:aws:iam::123456789012:root", "aws"))
    assert examine(Plan(()), root, US).of("warning")[0].name == "identity"


def test_suppressed_findings_are_named_and_do_not_count() -> None:
    line = group(instance_types=("g5.xlarge",))
    none = replace(FACTS, quotas={**FACTS.quotas, "L-DB2E81BA": 0.0})
    result = examine(Plan((line,)), none, US, ("quota-vcpu-g",))
    assert result.errors == ()
    assert result.suppressed == ("quota-vcpu-g",)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("m7i.large", "standard"), ("t4g.small", "standard"), ("im4gn.large", "standard"), ("i4i.large", "standard")),
        *(("g5.xlarge", "g"), ("gr6.4xlarge", "g"), ("g6e.xlarge", "g"), ("vt1.3xlarge", "g")),
        *(("p5.48xlarge", "p"), ("p6-b200.48xlarge", "p"), ("inf2.xlarge", "inf"), ("trn1.2xlarge", "trn")),
        *(("hpc7a.12xlarge", ""), ("mac2.metal", ""), ("x2idn.large", ""), ("f2.6xlarge", "")),
    ],
)
def test_families(name: str, kind: str) -> None:
    assert family(name) == kind


def test_spot_p_is_two_quotas_on_demand_p_is_one() -> None:
    assert quota_code("p4d.24xlarge", "SPOT") == "L-7212CCBC"
    assert quota_code("p5.48xlarge", "SPOT") == "L-C4BD4855"
    assert quota_code("p5.48xlarge", "ON_DEMAND") == quota_code("p4d.24xlarge", "ON_DEMAND") == "L-417A185B"


def test_a_family_without_a_quota_here_is_unknown() -> None:
    assert (
        found(group(instance_types=("x2idn.large",)), offerings={"x2idn.large": frozenset(ZONES)})[
            "quota-vcpu-other"
        ].known
        is False
    )


def test_a_replaced_group_counts_as_new() -> None:
    line = group(have=size(2), change=Change(Action.REPLACE))
    (one,) = groups(Plan((line,)))
    assert (one.new, one.more) == (True, 2)


def test_every_name_that_a_quota_has_may_be_suppressed() -> None:
    names = set(get_args(FindingName))
    assert {quota.finding for quota in quotas.QUOTAS} <= names


@pytest.mark.parametrize(
    ("state", "free", "desired", "level"),
    [("active", 2, 2, ""), ("active", 1, 2, "error"), ("scheduled", 0, 2, "error"), ("scheduled", 0, 0, "warning")],
)
def test_a_reservation_has_to_be_open_and_have_room(state: str, free: int, desired: int, level: str) -> None:
    known = {"node-group/gpu": ReservationFacts("cr-1", state, free)}
    seen = found(group(desired=desired), reservations=known)
    assert (seen["capacity-reservation"].level if seen else "") == level
    assert found(group(have=size(2), change=NO_CHANGE), reservations=known) == {}


def test_settings_that_exclude_one_another_are_an_error_before_anything_is_made() -> None:
    why = {"node-group/gpu": "its reservation cr-1 lies in usw2-az2, but zone_ids names usw2-az1"}
    assert found(group(), impossible=why)["node-group"].level == "error"
    assert found(group(change=NO_CHANGE), impossible=why) == {}
