"""Several entries with all that the config can say of them, and the rights that nobody loses by mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.stage import Stage, Theatre, quick_start

from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.errors import ProvisioningError
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.own_access import lost_access
from eksprov.steps.identity.access_entry import AccessEntry

ACCOUNT = "123456789012"
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]
}
PREFIX = "arn:aws:eks::aws:cluster-access-policy/"


def role(stage: Stage, name: str, path: str = "/") -> str:
    """A role that somebody has in the account."""
    iam = stage.account.plain("iam")
    made: str = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    return made


def config(*entries: dict[str, Any]) -> Config:
    return Config.model_validate_json(json.dumps({**quick_start().model_dump(mode="json"), "access": entries}))


def entry(stage: Stage, principal: str) -> dict[str, Any]:
    eks, key = stage.account.plain("eks"), {"clusterName": stage.config.name, "principalArn": principal}
    found: dict[str, Any] = eks.describe_access_entry(**key)["accessEntry"]
    policies = eks.list_associated_access_policies(**key)["associatedAccessPolicies"]
    scopes = {one["policyArn"].removeprefix(PREFIX): one["accessScope"]["namespaces"] for one in policies}
    return {**found, "policies": scopes}


def principals(stage: Stage) -> set[str]:
    eks = stage.account.plain("eks")
    return {
        name
        for name in eks.list_access_entries(clusterName=stage.config.name)["accessEntries"]
        if "/eksprov/" not in name
    }


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage() as stage:
        yield stage


def test_an_entry_has_groups_a_name_and_policies_with_their_scopes(stage: Stage) -> None:
    admin, team = role(stage, "admin"), role(stage, "team", "/ml/")
    policies = [{"policy": "AmazonEKSEditPolicy", "namespaces": ["b", "a"]}, {"policy": "AmazonEKSViewPolicy"}]
    ml = {
        "principal_arn": team,
        "kubernetes_groups": ["ml", "gpu"],
        "user_name": "ml:{{SessionName}}",
        "policies": policies,
    }
    wanted = config({"principal_arn": admin}, ml)
    assert stage.provision(wanted).ok
    made = entry(stage, team)
    assert (made["type"], sorted(made["kubernetesGroups"]), made["username"]) == (
        "STANDARD",
        ["gpu", "ml"],
        ml["user_name"],
    )
    assert made["policies"] == {"AmazonEKSEditPolicy": ["a", "b"], "AmazonEKSViewPolicy": []}
    assert {outcome.status for outcome in stage.provision(wanted).outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    fewer = config({"principal_arn": admin}, {**ml, "kubernetes_groups": [], "policies": policies[1:]})
    assert stage.provision(fewer).ok
    assert [call.operation for call in stage.tape.mutating] == ["UpdateAccessEntry", "DisassociateAccessPolicy"]
    assert entry(stage, team)["kubernetesGroups"] == []


def test_a_change_of_type_makes_the_entry_anew(stage: Stage) -> None:
    admin, node = role(stage, "admin"), role(stage, "node")
    assert stage.provision(config({"principal_arn": admin}, {"principal_arn": node, "type": "EC2_LINUX"})).ok
    assert entry(stage, node)["type"] == "EC2_LINUX"
    policies = [{"policy": "AmazonEKSAutoNodePolicy"}]
    wanted = config({"principal_arn": admin}, {"principal_arn": node, "type": "EC2", "policies": policies})
    assert stage.provision(wanted).ok
    assert (entry(stage, node)["type"], entry(stage, node)["policies"]) == ("EC2", {"AmazonEKSAutoNodePolicy": []})
    assert {outcome.status for outcome in stage.provision(wanted).outcomes} == {Status.UNCHANGED}


def test_rights_are_taken_only_when_others_have_theirs(stage: Stage) -> None:
    """The old admin is demoted after the new one stands; while that one cannot be made, nothing is taken."""
    old, new = role(stage, "old"), role(stage, "new")
    assert stage.provision(config({"principal_arn": old})).ok
    swapped = config({"principal_arn": old, "policy": "AmazonEKSViewPolicy"}, {"principal_arn": new})
    process = stage.opened(swapped)
    demoted, admin = (next(s for s in process.steps if s.slug.endswith(arn)) for arn in (old, new))
    assert admin.name in demoted.needs
    stage.tape.rewind()
    stage.tape.refuse("CreateAccessEntry", "AccessDeniedException", times=1)
    from eksprov.operations.commands.provision import provision

    report = provision(process)
    assert not report.ok
    assert entry(stage, old)["policies"] == {"AmazonEKSClusterAdminPolicy": []}
    stage.tape.rewind()
    assert stage.provision(swapped).ok
    assert entry(stage, old)["policies"] == {"AmazonEKSViewPolicy": []}
    assert entry(stage, new)["policies"] == {"AmazonEKSClusterAdminPolicy": []}


@pytest.mark.parametrize("others", ["none", "namespaced", "whole"])
def test_the_last_admin_keeps_its_rights(stage: Stage, others: str) -> None:
    """Whatever the config's rule was told: the step itself looks before it takes."""
    stage.provision()
    step = next(step for step in stage.opened().steps if isinstance(step, AccessEntry))
    eks = stage.account.plain("eks")
    if others != "none":
        key = {"clusterName": stage.config.name, "principalArn": role(stage, "other")}
        eks.create_access_entry(**key)
        scope = {"type": "cluster"} if others == "whole" else {"type": "namespace", "namespaces": ["a"]}
        eks.associate_access_policy(**key, policyArn=f"{PREFIX}AmazonEKSClusterAdminPolicy", accessScope=scope)
    viewer = replace(step, policies=(("AmazonEKSViewPolicy", ()),))
    aws, want = stage.opened().aws, viewer.desired(Outputs())
    have = viewer.discover(aws)
    assert have is not None
    stage.tape.rewind()
    if others == "whole":
        viewer.update(aws, want, have, ("policies",))
        assert entry(stage, step.principal)["policies"] == {"AmazonEKSViewPolicy": []}
        return
    with pytest.raises(ProvisioningError, match="last admin") as refused:
        viewer.update(aws, want, have, ("policies",))
    assert "access:" in refused.value.hint
    assert stage.tape.mutating == []


def test_an_entry_of_a_role_that_was_made_again_is_made_again(stage: Stage) -> None:
    """EKS keeps the role's unique id: the old entry would let nobody in."""
    admin = role(stage, "admin")
    wanted = config({"principal_arn": admin})
    assert stage.provision(wanted).ok
    assert {outcome.status for outcome in stage.provision(wanted).outcomes} == {Status.UNCHANGED}
    before = entry(stage, admin)
    stage.clock.sleep(3600)
    stage.account.plain("iam").delete_role(RoleName="admin")
    assert {outcome.status for outcome in stage.provision(wanted).outcomes} == {
        Status.UNCHANGED
    }  # nobody to give it to
    role(stage, "admin")
    shown = make_plan(stage.opened(wanted, mint=False)).changes
    assert [(line.kind, line.change.action.value) for line in shown] == [("access-entry", "replace")]
    assert "made again" in shown[0].change.reason
    assert stage.provision(wanted).ok
    assert [call.operation for call in stage.tape.mutating] == [
        "DeleteAccessEntry",
        "CreateAccessEntry",
        "AssociateAccessPolicy",
    ]
    after = entry(stage, admin)
    assert after["createdAt"] > before["createdAt"]
    assert after["policies"] == {"AmazonEKSClusterAdminPolicy": []}
    assert {outcome.status for outcome in stage.provision(wanted).outcomes} == {Status.UNCHANGED}


def test_the_caller_is_told_before_it_removes_itself(stage: Stage) -> None:
    stage.provision()
    other = role(stage, "other")
    opened = stage.opened(config({"principal_arn": other}))
    [note] = lost_access(opened)
    assert "your own access" in note
    assert note in make_plan(opened).notes
    session = replace(opened.identity, arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/other/me")
    assert lost_access(replace(opened, identity=session)) == ()
    assert lost_access(stage.opened()) == ()
    assert stage.provision(config({"principal_arn": other})).ok
    assert principals(stage) == {other}
