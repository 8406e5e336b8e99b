"""The config's tags: what is there gets new and changed ones, loses those that were ours, and keeps those of others."""

from __future__ import annotations

from typing import Any

import pytest
from support.stage import EVERYTHING, Stage, Theatre, everything, quick_start

from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.operations.plan import make_plan, offline_plan

FIRST = {"team": "ml", "cost-center": "4711"}
LATER = {"team": "platform", "env": "prod"}
OF_THEIR_DAY = {"instance", "launch-template"}  # instances, and the versions of templates that they are launched from


def tagged(config: Config, tags: dict[str, str]) -> Config:
    return Config.model_validate({**config.model_dump(exclude_unset=True), "tags": tags})


def bearers(stage: Stage) -> set[str]:
    """The steps that bear tags, and Karpenter's node classes, which tell it what to tag its instances with."""
    steps = stage.opened().steps
    return {step.name for step in steps if step.tags_at is not None or "/karpenter/node-class-" in step.name}


def own(tags: Any) -> dict[str, str]:
    """Those that a config gave."""
    return {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] in {**FIRST, **LATER}}


def templates(stage: Stage) -> list[dict[str, str]]:
    """The tags of every launch template itself; those of EKS have none of ours."""
    found = stage.account.plain("ec2").describe_launch_templates()["LaunchTemplates"]
    return [own(template["Tags"]) for template in found if template["Tags"]]


@pytest.mark.parametrize("name", EVERYTHING)
def test_changed_tags_reach_everything_that_is_there(theatre: Theatre, name: str) -> None:
    first, later = (tagged(everything(name), tags) for tags in (FIRST, LATER))
    with theatre.stage(later) as stage:
        assert stage.provision().ok
        right = stage.world()
    with theatre.stage(first) as stage:
        assert stage.provision().ok
        before = stage.world()
        plan = make_plan(stage.opened(later, mint=False))
        assert {line.name for line in plan.changes} == bearers(stage)
        report = stage.provision(later)
        assert not [(o.name, o.message) for o in report.outcomes if not o.good]
        assert {o.name for o in report.outcomes if o.status is Status.UPDATED} == bearers(stage)
        found = stage.world()
        assert {kind for kind in right if found[kind] != right[kind]} <= OF_THEIR_DAY
        assert found["instance"] == before["instance"]
        assert all(tags == LATER for tags in templates(stage))
        again = stage.provision(later)
        assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        assert stage.teardown(later).ok
        assert not {kind: items for kind, items in stage.grown().items() if items}


def test_tags_of_others_stay(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        s3, ec2 = stage.account.plain("s3"), stage.account.plain("ec2")
        [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        theirs = {"Key": "backup", "Value": "daily"}
        s3.put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [*s3.get_bucket_tagging(Bucket=bucket)["TagSet"], theirs]}
        )
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        ec2.create_tags(Resources=subnets, Tags=[theirs])
        assert stage.provision(later).ok
        assert theirs in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        assert all(theirs in subnet["Tags"] for subnet in ec2.describe_subnets()["Subnets"])


def test_what_goes_goes_first_where_two_spellings_are_one_key(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), {key: "ml"}) for key in ("Team", "team"))
    with theatre.stage(first) as stage:
        stage.provision()
        assert stage.provision(later).ok
        roles = stage.account.plain("iam").list_roles(PathPrefix="/eksprov/")["Roles"]
        tags = [stage.account.plain("iam").list_role_tags(RoleName=role["RoleName"])["Tags"] for role in roles]
        assert roles
        assert all(
            [tag for tag in one if tag["Key"].lower() == "team"] == [{"Key": "team", "Value": "ml"}] for one in tags
        )
        operations = [call.operation for call in stage.tape.mutating]
        assert operations.index("UntagRole") < operations.index("TagRole")


def test_a_run_that_was_cut_off_is_made_good_whichever_call_was_its_last(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        stage.provision(later)
        right, calls = stage.world(), len(stage.tape.mutating)
    assert calls > 20
    for place in range(1, calls + 1, 9):
        for side in ("before", "after"):
            with theatre.stage(first) as stage:
                stage.provision()
                assert not stage.survives(lambda stage=stage: stage.provision(later), place, side)
                assert stage.provision(later).ok
                assert stage.world() == right


def test_the_record_alone_tells_of_tags_that_are_still_to_come(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        assert offline_plan(first, stage.store).notes == ()
        [note] = offline_plan(later, stage.store).notes
        assert "tags" in note
        stage.provision(later)
        assert offline_plan(later, stage.store).notes == ()
