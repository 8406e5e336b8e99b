"""An access entry: exactly the policies of the config, for an IAM principal, ours or left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench

from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.identity.access_entry import AccessEntry

PREFIX = "arn:aws:eks::aws:cluster-access-policy/"
EDIT_IN_A = (("AmazonEKSEditPolicy", ("a",)),)


def entry_of(bench: Bench, **more: Any) -> AccessEntry:
    step = next(step for step in bench.steps.values() if step.kind == "access-entry")
    assert isinstance(step, AccessEntry)
    return replace(step, **more)


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make(entry_of(bench))
    return bench


def grants(bench: Bench) -> dict[str, Any]:
    step = entry_of(bench)
    found = bench.plain("eks").list_associated_access_policies(clusterName=step.cluster, principalArn=step.principal)
    return {one["policyArn"].removeprefix(PREFIX): one["accessScope"] for one in found["associatedAccessPolicies"]}


def other_admin(bench: Bench, cluster: str) -> None:
    """Somebody else who may do everything: the last admin would keep its rights."""
    document = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'
    role = bench.plain("iam").create_role(RoleName="other", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    eks, key = bench.plain("eks"), {"clusterName": cluster, "principalArn": role}
    eks.create_access_entry(**key)
    eks.associate_access_policy(
        **key, policyArn=f"{PREFIX}AmazonEKSClusterAdminPolicy", accessScope={"type": "cluster"}
    )


def test_the_admin_gets_the_whole_cluster_and_the_entry_settles(bench: Bench) -> None:
    step = entry_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == ["CreateAccessEntry", "AssociateAccessPolicy"]
    assert grants(bench) == {"AmazonEKSClusterAdminPolicy": {"type": "cluster", "namespaces": []}}
    bench.settles(step)
    assert len(bench.tape.reads) == 2


def test_other_policies_replace_the_old_ones_and_a_scope_can_change(made: Bench) -> None:
    step = entry_of(made, policies=EDIT_IN_A)
    other_admin(made, step.cluster)
    assert made.again(step).change.names == ("policies",)
    assert made.calls() == ["AssociateAccessPolicy", "DisassociateAccessPolicy"]  # never without a way in
    assert grants(made) == {"AmazonEKSEditPolicy": {"type": "namespace", "namespaces": ["a"]}}
    wider = entry_of(made, policies=(("AmazonEKSEditPolicy", ("b", "a")),))
    made.again(wider)
    assert made.calls() == ["AssociateAccessPolicy"]
    made.settles(wider)


def test_policies_given_by_others_are_taken_away(made: Bench) -> None:
    step, eks = entry_of(made), made.plain("eks")
    eks.associate_access_policy(
        clusterName=step.cluster,
        principalArn=step.principal,
        policyArn=f"{PREFIX}AmazonEKSViewPolicy",
        accessScope={"type": "cluster"},
    )
    assert made.again(step).status is Status.UPDATED
    assert set(grants(made)) == {"AmazonEKSClusterAdminPolicy"}


def test_it_waits_until_iam_tells_eks_of_the_principal(bench: Bench) -> None:
    refusal = "The specified principalArn is invalid: invalid principal"
    bench.waits_for_iam(entry_of(bench), "CreateAccessEntry", refusal)


def test_a_strangers_entry_is_refused_even_by_a_create(bench: Bench) -> None:
    step = entry_of(bench)
    bench.make("cluster")
    bench.plain("eks").create_access_entry(clusterName=step.cluster, principalArn=step.principal)
    bench.is_refused(step)
    step.create(bench.aws(), step.desired(Outputs()), "t" * 64)
    assert grants(bench) == {}
    assert bench.resources(step) == []


def test_it_goes(made: Bench) -> None:
    made.goes(entry_of(made))


def test_without_its_cluster_it_is_absent(bench: Bench) -> None:
    assert entry_of(bench).discover(bench.aws()) is None
    assert bench.resources(entry_of(bench)) == []
