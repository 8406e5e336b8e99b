"""The stack's own KMS key: made once, found again, saved from strangers' deletions, scheduled to go with the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.account import run_of
from support.bench import Bench
from support.calls import Side
from support.stage import STACK_ID, Stage, Theatre, quick_start
from support.world import world

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.convergence.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.plan import Plan
from eksprov.operations.commands.plan import make_plan
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.storage.kms_key import KmsKey

DAY_S = 86400


def with_cluster(**more: Any) -> Config:
    data = quick_start().model_dump()
    return Config.model_validate({**data, "cluster": {**data["cluster"], **more}})


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(with_cluster(kms_key="own")) as stage:
        yield stage


@pytest.fixture
def bench(stage: Stage) -> Bench:
    return Bench(stage)


def key_of(bench: Bench, **more: Any) -> KmsKey:
    step = bench.steps["kms-key"]
    assert isinstance(step, KmsKey)
    return replace(step, **more)


def live(bench: Bench) -> list[str]:
    return world(bench.plain)["kms-key"]


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make("kms-key")
    return bench


def encryption(stage: Stage) -> Any:
    cluster = stage.account.plain("eks").describe_cluster(name=stage.config.name)["cluster"]
    return cluster.get("encryptionConfig")


def test_it_is_made_with_its_tags_and_policy_and_settles(bench: Bench) -> None:
    assert bench.make("kms-key").status is Status.CREATED
    assert bench.calls() == ["CreateKey", "EnableKeyRotation", "CreateAlias"] or bench.calls() == [
        "CreateKey",
        "CreateAlias",
        "EnableKeyRotation",
    ]
    [key] = map(json.loads, live(bench))
    assert (key["state"], key["rotation"], key["aliases"]) == ("Enabled", True, [f"alias/{bench.us.stack}"])
    assert key["tags"]["eksprov:stack-id"] == STACK_ID
    by_sid = {one["Sid"]: one for one in key["policy"]["Statement"]}
    role = bench.plain("iam").get_role(RoleName=bench.steps["role/cluster"].slug)["Role"]["Arn"]
    assert by_sid["Cluster"]["Principal"]["AWS"] == role
    assert by_sid["ClusterGrants"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert by_sid["Account"]["Principal"]["AWS"].endswith(":root")
    bench.settles(key_of(bench))
    assert len(bench.tape.reads) == 4


def test_it_waits_until_kms_sees_the_new_role(theatre: Theatre) -> None:
    with theatre.stage(with_cluster(kms_key="own"), role_lag=True, speed=1.0) as stage:
        bench = Bench(stage)
        bench.make("kms-key")
        assert bench.calls().count("CreateKey") > 1
        assert len(live(bench)) == 1


def test_what_a_lost_answer_hid_is_found_by_its_tags(made: Bench) -> None:
    """As if the process had ended between CreateKey and CreateAlias."""
    made.plain("kms").delete_alias(AliasName=key_of(made).slug)
    assert made.again(key_of(made)).change.names == ("alias",)
    assert made.calls() == ["CreateAlias"]
    assert len(live(made)) == 1


@pytest.mark.parametrize("meddle", ["rotation", "policy", "disabled", "scheduled"])
def test_what_others_changed_is_set_right(made: Bench, meddle: str) -> None:
    before, kms, key = live(made), made.plain("kms"), made.outputs.get("kms-key", "id")
    if meddle == "rotation":
        kms.disable_key_rotation(KeyId=key)
    elif meddle == "policy":
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy='{"Version":"2012-10-17","Statement":[]}')
    elif meddle == "disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=made.outputs.get("kms-key", "arn"), PendingWindowInDays=7)
    assert live(made) != before
    assert made.again(key_of(made)).status is Status.UPDATED
    assert live(made) == before
    made.settles(key_of(made))


def test_it_goes_by_losing_its_alias_and_being_scheduled(made: Bench) -> None:
    made.goes(key_of(made, deletion_days=7))
    kms, key = made.plain("kms"), made.outputs.get("kms-key", "id")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert live(made) == []
    made.clock.sleep(31 * DAY_S)
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId=key)


def test_the_window_is_the_configs(theatre: Theatre) -> None:
    with theatre.stage(with_cluster(kms_key="own", kms_key_deletion_days=7)) as stage:
        stage.provision()
        assert stage.teardown().ok
        [sent] = [call for call in stage.tape.mutating if call.operation == "ScheduleKeyDeletion"]
        assert sent.params["PendingWindowInDays"] == 7


def test_a_strangers_alias_or_key_is_left_alone(bench: Bench) -> None:
    bench.make("role/cluster")
    kms = bench.plain("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=key_of(bench).slug, TargetKeyId=key)
    before = live(bench)
    bench.is_refused(key_of(bench))
    assert bench.resources(key_of(bench)) == []
    assert live(bench) == before


def test_the_cluster_is_encrypted_with_it_and_all_of_it_goes_and_comes_again(stage: Stage) -> None:
    assert stage.provision().ok
    first = stage.world()
    [arn] = [one["provider"]["keyArn"] for one in encryption(stage)]
    assert arn == stage.account.plain("kms").describe_key(KeyId="alias/quickstart")["KeyMetadata"]["Arn"]
    assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
    result = stage.teardown()
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == stage.baseline
    report = stage.provision()
    assert {outcome.status for outcome in report.outcomes} == {Status.CREATED}
    again = {k: [item.replace(report.state.stack_id, STACK_ID) for item in items] for k, items in stage.world().items()}
    assert again == first
    [new] = [one["provider"]["keyArn"] for one in encryption(stage)]
    assert new != arn  # the old one waits for its day, and encrypts nothing


def test_a_second_key_that_the_network_asked_for_goes_with_the_stack(stage: Stage) -> None:
    assert stage.provision().ok
    kms = stage.account.plain("kms")
    first = kms.describe_key(KeyId="alias/quickstart")["KeyMetadata"]["KeyId"]
    tags = kms.list_resource_tags(KeyId=first)["Tags"]
    twin = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    assert stage.teardown().ok
    states = {kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in (first, twin)}
    assert states == {"PendingDeletion"}
    assert stage.world() == stage.baseline


@pytest.mark.real_time  # botocore pauses some milliseconds before it sends again
@pytest.mark.parametrize("side", ["before", "after", "lost"])
def test_a_crash_at_any_call_leaves_one_key_at_most(theatre: Theatre, side: Side) -> None:
    with theatre.stage(with_cluster(kms_key="own")) as stage:
        stage.provision()
        whole, calls = stage.world(), [call.operation for call in stage.tape.mutating]
    places = [n for n, name in enumerate(calls, 1) if name in ("CreateKey", "CreateAlias", "EnableKeyRotation")]
    assert len(places) == 3
    for place in places:
        with theatre.stage(with_cluster(kms_key="own")) as stage:
            stage.survives(stage.provision, place, side)
            stage.provision()
            assert stage.provision().ok
            assert stage.world() == whole, (place, side)


def test_encryption_comes_later_but_never_goes(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        stage.provision()
        assert encryption(stage) is None
        assert stage.provision(with_cluster(kms_key="own")).ok
        assert encryption(stage) is not None
        before = stage.world()
        report = stage.provision(with_cluster(kms_key="none"))
        [refused] = [outcome for outcome in report.outcomes if not outcome.good and outcome.name == "cluster"]
        assert "neither takes a key away nor changes it" in refused.message
        assert stage.tape.mutating == []
        assert stage.world() == before  # the key above all, which the config no longer names
        problems = [line.problem for line in plan(stage, with_cluster(kms_key="none")).lines if line.problem]
        assert any("encrypted with" in problem for problem in problems)


def plan(stage: Stage, config: Config) -> Plan:
    return make_plan(stage.opened(config, mint=False))


def test_a_key_of_the_users_own_needs_only_the_roles_rights(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        kms = stage.account.plain("kms")
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        config = with_cluster(kms_key=arn)
        assert stage.provision(config).ok
        assert encryption(stage)[0]["provider"]["keyArn"] == arn
        assert "kms-key" not in {outcome.name for outcome in stage.provision(config).outcomes}
        assert stage.tape.mutating == []
        assert stage.teardown(config).ok
        assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Enabled"


def test_eks_may_not_yet_be_let_at_a_fresh_key(bench: Bench) -> None:
    step = bench.steps["cluster"]
    assert isinstance(step, Cluster)
    bench.make_needs(step)
    bench.tape.rewind()
    said = "Access denied to KMS key x due to explicit deny policy or revoked grant"
    bench.tape.refuse("CreateCluster", "InvalidParameterException", said, times=2)
    aws = bench.aws()
    assert converge(step, bench.outputs, run_of(aws)).status is Status.CREATED
    assert bench.calls().count("CreateCluster") == 3


def test_a_key_that_does_not_exist_is_refused_at_once(theatre: Theatre) -> None:
    arn = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-0000-0000-000000000000"
    with theatre.stage(with_cluster(kms_key=arn)) as stage:
        bench = Bench(stage)
        with pytest.raises(errors.ProvisioningError, match="encryptionConfig provider"):
            stage_make(bench)


def stage_make(bench: Bench) -> None:
    from eksprov.aws.faults import translated

    with translated("make the cluster"):
        bench.make("cluster")
