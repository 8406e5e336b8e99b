"""Choices: recorded ones stand, living ones come next, and only then something is decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench

from eksprov import errors
from eksprov.aws.session import Identity
from eksprov.config.schema import AccessEntry, Config, Network
from eksprov.core.change import UNKNOWN
from eksprov.steps.identity.iam_role import trust_document
from eksprov.steps.identity.principal import principal_of
from eksprov.steps.settled import Zone, as_record, from_record, resolve

ROLE = "arn:aws:iam::123456789012:role/eksprov-admin"


def config_of(bench: Bench, **more: Any) -> Config:
    return bench.stage.config.model_copy(update=more)


def test_in_an_empty_account_everything_is_decided_from_what_aws_says(bench: Bench) -> None:
    chosen = resolve(bench.aws(), config_of(bench), {})
    (default,) = bench.plain("eks").describe_cluster_versions(defaultOnly=True)["clusterVersions"]
    assert chosen.kubernetes_version == default["clusterVersion"]
    assert [zone.name for zone in chosen.zones] == ["us-west-2a", "us-west-2b"]
    assert chosen.admin_principal_arn == bench.plain("sts").get_caller_identity()["Arn"]
    assert (chosen.account, chosen.partition, chosen.region) == ("123456789012", "aws", "us-west-2")
    assert chosen.notes == ()


def test_what_is_recorded_stands_and_costs_two_readings(bench: Bench) -> None:
    first = resolve(bench.aws(), config_of(bench), {})
    recorded = {**as_record(first), "kubernetes_version": "1.33", "admin_principal_arn": ROLE}
    bench.tape.rewind()
    chosen = resolve(bench.aws(), config_of(bench), recorded)
    assert (chosen.kubernetes_version, chosen.admin_principal_arn) == ("1.33", ROLE)
    assert as_record(chosen) == recorded
    assert [call.operation for call in bench.tape.calls] == ["DescribeCluster", "DescribeClusterVersions"]
    assert any("this stack keeps 1.33" in note for note in chosen.notes)


def test_a_lost_record_is_read_back_from_the_living_stack(bench: Bench) -> None:
    for name in ("cluster", next(name for name in bench.steps if name.startswith("access-entry/"))):
        bench.make(name)
    before = as_record(bench.settled)
    assert as_record(resolve(bench.aws(), config_of(bench), {})) == before
    other = replace(bench.aws(), owner=replace(bench.us, stack_id=""))
    assert as_record(resolve(other, config_of(bench), {})) == before


def test_the_configs_version_is_wanted_but_the_settled_one_is_recorded(bench: Bench) -> None:
    recorded = as_record(resolve(bench.aws(), config_of(bench), {}))
    chosen = resolve(
        bench.aws(), config_of(bench, kubernetes_version="1.34"), {**recorded, "kubernetes_version": "1.33"}
    )
    assert chosen.kubernetes_version == "1.34"
    assert as_record(chosen)["kubernetes_version"] == "1.33"


def test_zones_that_are_excluded_or_unfit_for_eks_are_not_taken(bench: Bench) -> None:
    config = config_of(bench, network=Network(exclude_zone_ids=("usw2-az1", "usw2-az2")))
    chosen = resolve(bench.aws(), config, {})
    assert len(chosen.zones) == 2
    assert not {zone.id for zone in chosen.zones} & {"usw2-az1", "usw2-az2"}


def test_more_zones_come_after_those_in_use_and_fewer_are_the_first(bench: Bench) -> None:
    recorded = {
        **as_record(resolve(bench.aws(), config_of(bench), {})),
        "zones": "us-west-2c=usw2-az3,us-west-2a=usw2-az1",
    }
    three = resolve(bench.aws(), config_of(bench, network=Network(availability_zones=3)), recorded)
    assert [zone.name for zone in three.zones] == ["us-west-2c", "us-west-2a", "us-west-2b"]
    again = resolve(bench.aws(), config_of(bench), as_record(three))
    assert again.zones == three.zones[:2]


def test_a_zone_in_use_is_kept_though_excluded_and_this_is_said(bench: Bench) -> None:
    recorded = as_record(resolve(bench.aws(), config_of(bench), {}))
    zone = from_record(config_of(bench), recorded).zones[0]  # type: ignore[union-attr]  # it was just recorded
    chosen = resolve(bench.aws(), config_of(bench, network=Network(exclude_zone_ids=(zone.id,))), recorded)
    assert chosen.zones[0] == zone
    assert any(zone.id in note for note in chosen.notes)


def test_a_region_with_too_few_zones_says_so(bench: Bench) -> None:
    config = config_of(bench, network=Network(availability_zones=6))
    with pytest.raises(errors.UsageError, match="only 4 zones"):
        resolve(bench.aws(), config, {})


def test_without_a_record_nothing_is_known_offline_and_with_one_no_call_is_made(bench: Bench) -> None:
    config = config_of(bench)
    assert from_record(config, {}) is None
    chosen = resolve(bench.aws(), config, {})
    assert from_record(config, as_record(chosen)) == chosen
    third = from_record(config_of(bench, network=Network(availability_zones=3)), as_record(chosen))
    assert third is not None
    assert third.zones == (*chosen.zones, Zone(UNKNOWN, UNKNOWN))


def test_named_principals_need_no_admin_so_even_root_may_provision(bench: Bench) -> None:
    config = config_of(bench, access=(AccessEntry(principal_arn=ROLE),))
    assert resolve(bench.aws(), config, {}).admin_principal_arn == ""


def test_a_session_becomes_its_roles_own_arn_with_the_path(bench: Bench) -> None:
    trust = trust_document("ec2.amazonaws.com", ["sts:AssumeRole"])
    made = bench.plain("iam").create_role(RoleName="admin", Path="/team/", AssumeRolePolicyDocument=trust)
    session = Identity("123456789012", "arn:aws:sts::123456789012:assumed-role/admin/ann@example.com", "aws")
    assert principal_of(bench.aws(), session) == made["Role"]["Arn"] == "arn:aws:iam::123456789012:role/team/admin"


@pytest.mark.parametrize("who", ["arn:aws:iam::123456789012:user/x/ann", "arn:aws-cn:iam::123456789012:role/admin"])
def test_users_and_roles_are_taken_as_they_are(bench: Bench, who: str) -> None:
    assert principal_of(bench.aws(), Identity("123456789012", who, "aws")) == who


@pytest.mark.parametrize("who", ["arn:aws:iam::123456789012:root", "arn:aws:sts::123456789012:federated-user/ann"])
def test_root_and_federated_users_are_told_to_name_an_admin(bench: Bench, who: str) -> None:
    with pytest.raises(errors.UsageError) as refused:
        principal_of(bench.aws(), Identity("123456789012", who, "aws"))
    assert "`access:`" in refused.value.hint


def test_a_role_that_may_not_be_read_is_explained(bench: Bench) -> None:
    session = Identity("123456789012", "arn:aws:sts::123456789012:assumed-role/hidden/ann", "aws")
    with pytest.raises(errors.AccessError, match="hidden"):
        principal_of(bench.aws(), session)
