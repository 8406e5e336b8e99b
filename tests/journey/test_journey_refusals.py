"""What eksprov must not do: touch a stranger's resource, change what costs money unasked, run in the wrong account."""

from __future__ import annotations

import json

import pytest
from support.journey import Done, Project, owned
from support.world import world

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def elsewhere(journey: Project) -> dict[str, str]:
    """What lets `target: aws` lead to the local world."""
    return {
        "AWS_ENDPOINT_URL": journey.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_a_stranger_under_our_name_is_named_and_never_touched(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0, provisioned.err
    journey.config("guest.yaml", name="guest")
    iam, name = journey.aws("iam"), "guest-us-west-2-cluster"
    iam.create_role(RoleName=name, Path="/theirs/", AssumeRolePolicyDocument=json.dumps(TRUST), Description="theirs")
    stranger = iam.get_role(RoleName=name)["Role"]
    try:
        failed = journey("provision", "--config", "guest.yaml")
        assert failed.code == 1
        assert "nothing was created" in failed.err
        assert name in failed.err
        assert list(owned(journey.aws, "guest")) == []
        gone = journey("teardown", "--yes", "--config", "guest.yaml")
        assert "nothing of the stack is left" in gone.out + gone.err
        assert list(owned(journey.aws, "guest")) == []
        assert {**iam.get_role(RoleName=name)["Role"], "RoleLastUsed": 0} == {**stranger, "RoleLastUsed": 0}
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        assert iam.list_role_tags(RoleName=name)["Tags"] == []
    finally:
        iam.delete_role(RoleName=name)


def test_what_costs_money_is_only_done_when_somebody_says_so(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0, provisioned.err
    file = str(journey.config("paid/eksprov.yaml", name="paid", target="aws"))
    before, account, env = journey.changes(), world(journey.aws), elsewhere(journey)
    plan = journey("plan", "--json", "--config", file, env=env)
    assert plan.json["changes"] > 20
    for command in ("provision", "teardown"):
        refused = journey(command, "--config", file, env=env)
        assert (refused.code, refused.out) == (2, "")
        assert "no terminal" in refused.err
        assert "--yes" in refused.err
    assert (journey.changes(), world(journey.aws)) == (before, account)
    assert not (journey.folder / "paid/state/paid.json").exists()


def test_the_same_stack_is_found_whichever_way_leads_to_it(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0, provisioned.err
    file = str(journey.config("other-way/eksprov.yaml", target="aws"))
    before = journey.changes()
    same = journey("provision", "--yes", "--config", file, env=elsewhere(journey))
    assert same.code == 0, same.err
    assert "no changes" in same.out
    assert journey.changes() == before


def test_a_record_of_another_account_or_region_is_refused(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0, provisioned.err
    file = str(journey.config("strayed/eksprov.yaml", target="aws"))
    folder = journey.folder / "strayed/state"
    folder.mkdir()
    record = json.loads(journey.state().read_text())
    record.pop("sha256", None)  # a hand-made record has none
    before, env = journey.changes(), elsewhere(journey)
    for changed in ({"account": "999999999999"}, {"region": "eu-west-1"}):
        (folder / "quickstart.json").write_text(json.dumps({**record, **changed}))
        for command in (("plan",), ("provision", "--yes"), ("teardown", "--yes")):
            refused = journey(*command, "--config", file, env=env)
            assert refused.code == 1, refused.err
            assert f"belongs to account {changed.get('account', record['account'])}" in refused.err
    assert journey.changes() == before
