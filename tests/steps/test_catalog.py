"""The catalog: a graph without loops in which everything waits for what it needs, and for nothing more."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from support.stage import EVERYTHING, everything

from eksprov import errors
from eksprov.config.ranges import private_addresses, private_range, public_range
from eksprov.config.schema import AccessEntry, Addon, Config, Model, Network, NodeGroup
from eksprov.core.executor import order
from eksprov.core.plan import nodes, removal_nodes
from eksprov.operations.kinds import step_of
from eksprov.state.record import Record
from eksprov.steps import KINDS
from eksprov.steps.catalog import access_name, bucket_name, catalog, model_association, model_role
from eksprov.steps.settled import Settled, Zone

ADMIN = "arn:aws:iam::123456789012:role/team/admin"
ZONES = tuple(Zone(f"us-west-2{letter}", f"usw2-az{number}") for number, letter in enumerate("abcdef", 1))


def settled(zones: int = 2) -> Settled:
    return Settled("123456789012", "aws", "us-west-2", "1.36", "1.36", ZONES[:zones], ADMIN)


def config(zones: int = 2, **more: Any) -> Config:
    network = Network(availability_zones=zones, **more.pop("network", {}))
    groups = (
        NodeGroup(name="cpu", instance_types=("m7i.large",)),
        NodeGroup(name="gpu", instance_types=("g6.xlarge",)),
    )
    return Config(**{"name": "demo", "network": network, "node_groups": groups, **more})


SHAPES = [
    (config(), settled()),
    (config(6), settled(6)),
    (config(3, network={"nat_gateways": "per_zone"}), settled(3)),
    (config(node_groups=()), settled()),
    (
        config(
            access=(AccessEntry(principal_arn=ADMIN), AccessEntry(principal_arn="arn:aws:iam::123456789012:user/ann")),
            addons=(Addon(name="aws-ebs-csi-driver"), Addon(name="coredns", version="v1.2.3-eksbuild.1")),
        ),
        settled(),
    ),
]


OTHER_NETWORKS = [
    (config(network={"nat_gateways": "none", "private_endpoints": True}), settled()),
    (config(3, network={"nat_gateways": "per_zone", "endpoints": ("kms",)}), settled(3)),
    (
        config(
            network={
                "vpc_id": "vpc-00000000",
                "subnet_ids": ("subnet-00000001", "subnet-00000002", "subnet-00000003"),
                "public_subnet_ids": ("subnet-00000004",),
            }
        ),
        settled(),
    ),
]


@pytest.mark.parametrize(("wanted", "chosen"), [*SHAPES, *OTHER_NETWORKS])
def test_every_need_names_a_step_and_there_is_no_loop_in_either_direction(wanted: Config, chosen: Settled) -> None:
    steps = catalog(wanted, chosen)
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    assert len({(step.kind, step.slug) for step in steps}) == len(steps)
    for step in steps:
        assert set(step.needs) | set(step.outlives) <= set(names), step.name
    assert set(order(nodes(steps))) == set(names)
    assert set(order(removal_nodes(steps))) == set(names)


@pytest.mark.parametrize(("wanted", "chosen"), SHAPES)
def test_everything_goes_before_what_it_stands_on(wanted: Config, chosen: Settled) -> None:
    steps = catalog(wanted, chosen)
    place = {name: index for index, name in enumerate(order(removal_nodes(steps)))}
    by_kind: dict[str, list[int]] = {}
    for step in steps:
        by_kind.setdefault(step.kind, []).append(place[step.name])
    chain = [
        ("node-group", "access-entry"),
        ("addon", "access-entry"),
        ("access-entry", "cluster"),
        ("cluster", "log-group"),
        ("cluster", "subnet"),
        ("node-group", "route-table"),
        ("route-table", "nat-gateway"),
        ("nat-gateway", "elastic-ip"),
        ("elastic-ip", "internet-gateway"),
        ("internet-gateway", "vpc"),
        ("subnet", "vpc"),
    ]
    for first, then in chain:
        assert max(by_kind.get(first, [-1])) < min(by_kind[then]), f"{first} before {then}"
    assert place["cluster"] < place["role/cluster"]


@pytest.mark.parametrize(("wanted", "chosen"), SHAPES)
def test_nothing_waits_for_what_it_does_not_need(wanted: Config, chosen: Settled) -> None:
    steps = {step.name: step for step in catalog(wanted, chosen)}

    def behind(name: str) -> set[str]:
        return {name}.union(*(behind(need) for need in steps[name].needs))

    kinds = {steps[name].kind for name in behind("cluster")}
    assert kinds == {"cluster", "iam-role", "log-group", "subnet", "vpc"}  # not the NAT gateway
    for step in steps.values():
        waits = {steps[name].kind for name in behind(step.name)}
        if step.kind == "node-group":
            assert "addon" not in waits
            assert {"nat-gateway", "internet-gateway", "cluster"} <= waits
        if step.kind in ("addon", "access-entry"):
            assert not waits & {"node-group", "nat-gateway"}


def test_steps_that_are_made_first_do_not_depend_on_the_order_of_keys() -> None:
    one = config(access=(AccessEntry(principal_arn=ADMIN),), tags={"a": "1"})
    assert catalog(one, settled()) == catalog(one.model_copy(), settled())


@pytest.mark.parametrize("vpc", ["10.0.0.0/16", "10.1.2.0/23", "10.1.2.0/24"])
def test_subnets_lie_in_the_vpc_apart_and_are_big_enough_for_aws(vpc: str) -> None:
    network = IPv4Network(vpc)
    cut = [cutter(network, zone) for zone in range(6) for cutter in (private_range, public_range)]
    assert all(subnet.subnet_of(network) and subnet.prefixlen <= 28 for subnet in cut)
    assert not any(one.overlaps(other) for one, other in combinations(cut, 2))


def test_a_zone_that_is_added_moves_no_other() -> None:
    two, three = ({s.name: s for s in catalog(config(n), settled(n)) if s.kind == "subnet"} for n in (2, 3))
    assert {name: three[name] for name in two} == two
    assert set(three) - set(two) == {"subnet/public-3", "subnet/private-3"}


def test_private_addresses_are_counted_without_what_aws_keeps() -> None:
    assert private_addresses(IPv4Network("10.0.0.0/16"), 2) == 2 * (8192 - 5)
    assert private_addresses(IPv4Network("10.0.0.0/24"), 3) == 3 * (16 - 5)


@pytest.mark.parametrize(("gateways", "count"), [("single", 1), ("per_zone", 3)])
def test_private_subnets_leave_by_their_own_zones_gateway_or_the_only_one(gateways: str, count: int) -> None:
    steps = {s.name: s for s in catalog(config(3, network={"nat_gateways": gateways}), settled(3))}
    assert sum(step.kind == "nat-gateway" for step in steps.values()) == count
    assert sum(step.kind == "elastic-ip" for step in steps.values()) == count
    ways = [getattr(steps[f"route-table/private-{number}"], "gateway") for number in (1, 2, 3)]  # noqa: B009 -- of one kind
    assert ways == [f"nat-gateway/{number if count > 1 else 1}" for number in (1, 2, 3)]


def test_the_recorded_admin_counts_only_where_the_config_names_none() -> None:
    def entries(wanted: Config) -> list[str]:
        return [step.slug for step in catalog(wanted, settled()) if step.kind == "access-entry"]

    other = "arn:aws:iam::123456789012:role/other"
    assert entries(config()) == [f"demo/{ADMIN}"]
    assert entries(config(access=(AccessEntry(principal_arn=other),))) == [f"demo/{other}"]


def test_principals_with_the_same_last_name_are_different_steps() -> None:
    first, second = (access_name(f"arn:aws:iam::123456789012:role/{path}/admin") for path in ("a", "b"))
    assert first != second
    assert first.startswith("access-entry/admin-")


def test_addons_are_the_five_and_what_the_config_adds_or_pins() -> None:
    wanted = config(addons=(Addon(name="aws-ebs-csi-driver"), Addon(name="coredns", version="v1.2.3-eksbuild.1")))
    addons: dict[str, Any] = {s.name: s for s in catalog(wanted, settled()) if s.kind == "addon"}
    five = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"]
    assert [name.removeprefix("addon/") for name in addons] == [*five, "aws-ebs-csi-driver"]
    assert addons["addon/coredns"].version == "v1.2.3-eksbuild.1"
    assert addons["addon/vpc-cni"].version is None
    assert addons["addon/coredns"].nodes_expected
    empty: list[Any] = [s for s in catalog(config(node_groups=()), settled()) if s.kind == "addon"]
    assert not any(step.nodes_expected for step in empty)


def test_a_model_has_a_role_for_its_own_prefix_and_a_bond_to_it() -> None:
    wanted = config(models=(Model(name="digits", path="m"),))
    role = model_role(wanted, settled(), "digits")
    association = model_association(wanted, "digits", "models", "digits-server")
    assert f"arn:aws:s3:::{bucket_name(wanted, settled())}/models/digits/*" in role.inline
    assert (association.slug, association.role) == ("demo/models/digits-server", role.name)
    assert {role.name, "cluster"} <= set(association.needs)


def test_names_fit_where_the_stacks_name_is_longest() -> None:
    wanted = config(name="a" * 28)
    far = replace(settled(), region="ap-southeast-2")
    assert len(bucket_name(wanted, far)) <= 63
    assert all(len(step.slug) <= 64 for step in catalog(wanted, far) if step.kind == "iam-role")


def test_a_record_is_enough_for_every_kind() -> None:
    every = [step for name in EVERYTHING for step in catalog(everything(name), settled())]
    for step in every:
        record = Record(kind=step.kind, slug=step.slug, needs=step.needs, outlives=step.outlives)
        again = step_of(step.name, record)
        assert type(again) is type(step)
        assert (again.name, again.slug, again.needs, again.outlives) == (
            step.name,
            step.slug,
            step.needs,
            step.outlives,
        )
    # Those need an account that has them (test_existing_network.py, laws/test_roles.py), this comes after the
    # controllers' objects.
    elsewhere = {"existing-vpc", "existing-subnet", "existing-role", "cluster-endpoint"}
    assert {step.kind for step in every} | elsewhere == {kind.kind for kind in KINDS}


def test_a_kind_of_a_later_eksprov_is_refused() -> None:
    with pytest.raises(errors.StateError, match="blimp"):
        step_of("blimp/1", Record(kind="blimp", slug="x"))
