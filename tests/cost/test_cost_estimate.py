"""What a stack costs: quantities from facts, prices from the table, before and after."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from support.configs import changed, with_group
from support.scripted_step import Facts
from support.stage import MemoryStore, Stage, Theatre, everything, quick_start

from eksprov.cli.render.forecast import cost_line
from eksprov.config.schema import Config
from eksprov.core.billing import Terms
from eksprov.core.change import NO_CHANGE, UNKNOWN, Action, Change
from eksprov.core.plan import Plan, Planned
from eksprov.cost.estimate import Estimate, Row, estimate, monthly, wanted_items
from eksprov.cost.items import is_itemised, items_of
from eksprov.cost.prices import offline
from eksprov.cost.table import HOURS_A_MONTH, from_table, table
from eksprov.operations.commands.costs import costs, offline_costs, offline_forecast
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.operations.kinds import KINDS

REGION = "us-west-2"
# By hand: EKS 0.10, NAT gateway 0.045, its address 0.005, 2 x m7i.large 0.1008, 2 x 50 GiB gp3 at 0.08 a month.
BY_HAND = Decimal("0.10") + Decimal("0.045") + Decimal("0.005") + 2 * Decimal("0.1008") + 100 * Decimal("0.08") / 730


def of(stage: Stage, config: Config | None = None) -> Estimate:
    """The estimate of what `plan` sees."""
    opened = stage.opened(config)
    return costs(opened, make_plan(opened), None)[0]


def rows(found: Estimate) -> dict[tuple[str, str], Row]:
    return {(row.step, row.item): row for row in found.rows}


def test_every_price_has_a_day_and_a_public_source() -> None:
    for (region, item), price in table().items():
        assert price.usd > 0, item
        assert price.unit in ("hour", "month"), item
        assert date.fromisoformat(price.as_of) >= date(2026, 7, 1), item
        assert price.source.startswith("https://"), item
        assert region in ("us-east-1", "us-west-2", "eu-west-1"), item


def test_every_kind_has_a_price_or_a_reason_for_none() -> None:
    """A new kind has to say whether it is billed."""
    assert [kind.kind for kind in KINDS if kind.billing is None] == []


def test_the_quick_start_costs_what_a_sum_by_hand_says(stage: Stage) -> None:
    found = of(stage)
    assert found.hour_before == 0
    assert found.hour_after == BY_HAND
    assert round(monthly(found.hour_after), 2) == Decimal("264.67")
    assert found.unknown_after == ()
    assert "data transfer" in found.excluded


def test_before_and_after_are_alike_once_it_is_made(stage: Stage) -> None:
    stage.provision()
    found = of(stage)
    assert found.hour_before == found.hour_after == BY_HAND


def test_another_instance_type_shows_before_and_after(stage: Stage) -> None:
    stage.provision()
    found = rows(of(stage, with_group(stage.config, instance_types=["g5.xlarge"], disk_size_gib=50)))
    old, new = found["node-group/workers", "ec2.m7i.large"], found["node-group/workers", "ec2.g5.xlarge"]
    assert (old.hour_before, old.hour_after) == (2 * Decimal("0.1008"), Decimal(0))
    assert (new.hour_before, new.hour_after) == (Decimal(0), 2 * Decimal("1.006"))


def test_more_nodes_cost_more_nodes_and_more_volumes(stage: Stage) -> None:
    stage.provision()
    found = of(stage, with_group(stage.config, desired_size=5, max_size=9))
    each = Decimal("0.1008") + 50 * Decimal("0.08") / 730
    assert abs(found.hour_after - found.hour_before - 3 * each) < Decimal("1e-20")
    assert abs(found.most_hour - found.hour_after - 4 * each) < Decimal("1e-20")


def test_a_removed_group_is_paid_before_and_not_after(stage: Stage) -> None:
    stage.provision()
    found = rows(of(stage, changed(stage.config, node_groups=[])))
    nodes, volumes = found["node-group/workers", "ec2.m7i.large"], found["node-group/workers", "ebs.gp3"]
    assert (nodes.before, nodes.hour_before, nodes.hour_after) == (Decimal(2), 2 * Decimal("0.1008"), Decimal(0))
    assert (volumes.before, volumes.hour_after) == (Decimal(100), Decimal(0))


def test_a_price_nobody_knows_is_counted_and_not_taken_for_nothing(stage: Stage) -> None:
    found = of(stage, with_group(stage.config, instance_types=["x1.16xlarge"]))
    assert [what.split(":")[0] for what in found.unknown_after] == ["node-group/workers"]
    assert found.hour_after == BY_HAND - 2 * Decimal("0.1008")


def test_a_kind_that_is_unknown_here_is_of_unknown_price() -> None:
    line = Planned("moon/1", "moon", "luna", Change(Action.CREATE), want=Facts())
    found = estimate(Plan((line,)), {}, Terms())
    assert found.unknown_after == ("moon/1: moon",)


def test_extended_support_costs_more_only_where_it_is_chosen() -> None:
    def cluster(support: str, version: str, extended: frozenset[str] | None) -> list[str]:
        facts = SimpleNamespace(support_type=support, version=version, auto_mode=False)
        return [item.item for item in items_of("cluster", "cluster", facts, Terms(extended))]

    assert cluster("STANDARD", "1.33", frozenset({"1.33"})) == ["eks.cluster"]
    assert cluster("EXTENDED", "1.35", frozenset({"1.33"})) == ["eks.cluster"]
    assert cluster("EXTENDED", "1.33", frozenset({"1.33"})) == ["eks.cluster", "eks.extended-support"]
    assert cluster("EXTENDED", "1.33", None) == ["eks.cluster", "unknown.extended-support"]


def test_nodes_that_eks_auto_mode_makes_are_of_unknown_price() -> None:
    facts = SimpleNamespace(support_type="STANDARD", version="1.36", auto_mode=True)
    assert [item.item for item in items_of("cluster", "cluster", facts, Terms())] == [
        "eks.cluster",
        "unknown.auto-mode",
    ]


def test_faster_volumes_and_interface_endpoints_are_priced() -> None:
    disk = SimpleNamespace(disk_gib=200, disk_iops=4000, disk_throughput_mib=637)
    facts = SimpleNamespace(
        capacity_type="ON_DEMAND",
        instance_types=("g5.xlarge",),
        desired_size=2,
        max_size=2,
        status="",
        warm_pool=SimpleNamespace(enabled=False),
    )
    found = items_of("node-group/a", "node-group", facts, Terms(templates={"launch-template/a": disk}))
    assert {item.item: item.quantity for item in found} == {
        "ec2.g5.xlarge": 2,
        "ebs.gp3": 400,
        "ebs.gp3-iops": 2000,
        "ebs.gp3-throughput": 1,
    }
    endpoint = SimpleNamespace(gateway=False, subnet_ids={"a", "b"}, service="ecr.api")
    assert [item.quantity for item in items_of("e", "vpc-endpoint", endpoint, Terms())] == [2]
    endpoint.subnet_ids = frozenset({UNKNOWN})  # of three subnets that are not made yet
    assert [item.quantity for item in items_of("e", "vpc-endpoint", endpoint, Terms(zones=3))] == [3]
    endpoint.gateway = True
    assert items_of("e", "vpc-endpoint", endpoint, Terms()) == ()


def test_a_strangers_resource_is_not_in_our_bill() -> None:
    line = Planned("elastic-ip/1", "elastic-ip", "ip", NO_CHANGE, problem="is not ours", have=Facts(), want=Facts())
    assert estimate(Plan((line,)), {}, Terms()).rows[0].before == 0


def test_a_month_has_730_hours() -> None:
    disk = from_table(REGION, "ebs.gp3")
    assert disk is not None
    assert round(disk.usd_hour * HOURS_A_MONTH, 12) == disk.usd


def test_offline_it_is_the_same_sum_without_any_call(stage: Stage) -> None:
    stage.provision()
    stage.tape.rewind()
    found = offline_costs(stage.config, offline_plan(stage.config, stage.store))
    assert found.hour_before == found.hour_after == BY_HAND
    assert stage.tape.calls == []


def test_offline_a_stack_that_was_never_made_is_priced_as_new(stage: Stage) -> None:
    found = offline_costs(stage.config, offline_plan(stage.config, stage.store))
    assert (found.hour_before, found.hour_after) == (Decimal(0), BY_HAND)


def test_offline_a_changed_group_has_an_unknown_before(stage: Stage) -> None:
    stage.provision()
    config = with_group(stage.config, desired_size=3)
    found = offline_costs(config, offline_plan(config, stage.store))
    assert found.unknown_before == ("node-group/workers: what there was",)
    assert found.unknown_after == ()


def test_an_autoscaled_group_counts_as_many_nodes_as_it_has(theatre: Theatre) -> None:
    """The config's desired_size is where it began; what a run leaves, and what a new group takes over, is live."""
    config = changed(quick_start(), autoscaler="cluster-autoscaler")
    with theatre.stage(with_group(config, desired_size=1, max_size=5)) as stage:
        assert stage.provision().ok
        eks = stage.account.plain("eks")
        for nodes in (4, 0):
            size = {"minSize": 0, "maxSize": 5, "desiredSize": nodes}
            eks.update_nodegroup_config(clusterName="quickstart", nodegroupName="workers", scalingConfig=size)
            stage.clock.sleep(600)
            at_least_one = max(1, nodes)  # by min_size, which a run puts right
            found = rows(of(stage))["node-group/workers", "ec2.m7i.large"]
            assert (found.before, found.after) == (Decimal(nodes), Decimal(at_least_one))
            whole = of(stage)
            assert whole.grows
            assert whole.most_hour > whole.hour_after


def test_karpenters_pools_are_of_unknown_price_before_and_after(theatre: Theatre) -> None:
    with theatre.stage(everything("karpenter")) as stage:
        assert any("Karpenter launches for everyday" in what for what in of(stage).unknown_after)
        assert not any("Karpenter" in what for what in of(stage).unknown_before)
        assert stage.provision().ok
        found = of(stage)
        assert any("Karpenter launches for everyday" in what for what in found.unknown_before)
        assert not any("node-class" in row.step for row in found.rows)


@pytest.mark.parametrize("region", ["eu-central-1", "ap-southeast-4", "cn-north-1", "us-gov-west-1"])
def test_a_region_without_prices_is_not_for_free(region: str) -> None:
    config = changed(quick_start(), region=region)
    found = offline_costs(config, offline_plan(config, MemoryStore("x")))
    billed = {line.name for line in offline_plan(config, MemoryStore("x")).lines if is_itemised(line.kind)}
    assert {what.split(":")[0] for what in found.unknown_after} == billed
    assert (found.hour_after, found.unknown_before) == (Decimal(0), ())
    assert cost_line(found) == "cost: $0.000 -> unknown an hour, $0 -> unknown a month"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"instance_types": ["x1.16xlarge"]}, "x1.16xlarge on demand"),
        ({"capacity_type": "SPOT"}, "m7i.large spot"),
        ({"instance_types": ["m7i.large", "zz9.large"], "capacity_type": "SPOT"}, "the first of its types"),
    ],
)
def test_what_has_no_price_makes_the_sum_the_least_that_it_may_be(keys: dict[str, object], words: str) -> None:
    config = with_group(quick_start(), **keys)
    found = offline_costs(config, offline_plan(config, MemoryStore("x")))
    assert any(words in what for what in found.unknown_after)
    assert "-> at least $0.161 an hour, $0 -> at least $118 a month" in cost_line(found)


def test_a_group_without_nodes_costs_nothing_until_it_grows() -> None:
    config = with_group(quick_start(), instance_types=["x1.16xlarge"], min_size=0, desired_size=0, max_size=4)
    found = offline_costs(config, offline_plan(config, MemoryStore("x")))
    assert found.unknown_after == ()
    assert any("4 x x1.16xlarge" in what for what in found.unknown_most)


UNKNOWN_TYPE = {"instance_types": ["x1.16xlarge"]}
ON = {"autoscaler": "cluster-autoscaler"}


@pytest.mark.parametrize(
    ("limit", "keys", "more", "known", "words"),
    [
        (264, {}, {}, True, "the estimate of $265 a month is above"),
        (265, {}, {}, None, ""),
        (100, UNKNOWN_TYPE, {}, True, "the estimate of at least $118 a month is above"),
        (500, UNKNOWN_TYPE, {}, False, "cannot be known: it is at least $118 a month, and the price is unknown of"),
        (300, {}, ON, True, "the estimate of $265 a month grows to $342 with every node group at max_size, above"),
        (300, {}, {}, None, ""),
        (343, {}, ON, None, ""),
        (500, {**UNKNOWN_TYPE, "min_size": 0, "desired_size": 0}, ON, False, "node groups may grow to max_size"),
    ],
)
def test_the_limit_is_held_against_what_is_known_and_where_that_settles_nothing_it_is_said(
    limit: float, keys: dict[str, object], more: dict[str, object], known: bool | None, words: str
) -> None:
    config = changed(with_group(quick_start(), **keys), cost={"warn_above_usd_per_month": limit}, **more)
    found = [one for one in offline_forecast(config, offline_plan(config, MemoryStore("x"))).findings.listed]
    assert [(one.name, one.level, one.known) for one in found] == (
        [] if known is None else [("monthly-cost", "warning", known)]
    )
    assert all(words in one.message and f"cost.warn_above_usd_per_month ({limit})" in one.message for one in found)
    silent = changed(config, preflight={"suppress": ["monthly-cost"]})
    assert offline_forecast(silent, offline_plan(silent, MemoryStore("x"))).findings.listed == ()


def test_wanted_items_are_named_once_and_known_in_the_table(stage: Stage) -> None:
    opened = stage.opened()
    plan = make_plan(opened)
    items = wanted_items(plan, Terms(frozenset()))
    assert len(items) == len(set(items))
    assert set(offline(REGION, items).prices) == set(items)


def test_the_estimate_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate((), Decimal(0), ()).most_hour = Decimal(1)  # type: ignore[misc]  # that is the point
