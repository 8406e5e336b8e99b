"""A cluster of our name that somebody else made, in any mode: a finding, and nothing else is asked of it.

The stranger's cluster holds what the stack would make in it, under the same names. Every call that any command makes is
on tape; none but the look at the cluster itself may name it, and the world stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cases import CASES
from support.stage import Stage, Theatre

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.models import cluster_api
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.kinds import KINDS
from eksprov.steps.identity.iam_role import trust_document

NAME = "quickstart"
LOOKING = {"DescribeCluster", "ListClusters"}
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


def role(stage: Stage, name: str, service: str, *policies: str) -> str:
    iam = stage.account.plain("iam")
    trust = trust_document(service, ["sts:AssumeRole", "sts:TagSession"])
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn


def cluster(stage: Stage, mode: str) -> None:
    """Somebody's, with a node group, an add-on and, where it has any, an access entry of the names that ours have."""
    ec2, eks = stage.account.plain("ec2"), stage.account.plain("eks")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"us-west-2{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    eks.create_cluster(
        name=NAME,
        roleArn=role(stage, "their-cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        resourcesVpcConfig={"subnetIds": subnets},
        accessConfig={"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": True},
    )
    stage.clock.sleep(3600)
    assert eks.describe_cluster(name=NAME)["cluster"]["status"] == "ACTIVE"
    eks.create_nodegroup(
        clusterName=NAME,
        nodegroupName="workers",
        subnets=subnets,
        nodeRole=role(
            stage,
            "their-nodes",
            "ec2.amazonaws.com",
            "AmazonEKSWorkerNodePolicy",
            "AmazonEC2ContainerRegistryPullOnly",
            "AmazonEKS_CNI_Policy",
        ),
    )
    eks.create_addon(clusterName=NAME, addonName="vpc-cni")
    stage.clock.sleep(3600)


@pytest.fixture(params=MODES)
def strange(theatre: Theatre, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with theatre.stage() as stage:
        cluster(stage, request.param)
        stage.tape.rewind()
        yield stage


def about_it(stage: Stage) -> set[str]:
    """The operations that named the cluster or asked for something in it."""
    of_eks = {call.operation for call in stage.tape.calls if call.service == "eks"}
    known = {"DescribeClusterVersions", "DescribeAddonVersions", "DescribeAddonConfiguration"}
    return of_eks - LOOKING - known


def test_plan_and_doctor_say_it_and_ask_nothing_else(strange: Stage) -> None:
    opened = strange.opened()
    plan = make_plan(opened)
    lines = {line.name: line for line in plan.lines}
    assert "not this stack's" in lines["cluster"].problem
    inside = [step.name for step in opened.steps if not opened.asks(step)]
    assert {step.kind for step in opened.steps if step.name in inside} >= {"access-entry", "addon", "node-group"}
    for name in inside:
        assert lines[name].change.action is Action.CREATE
        assert "not asked" in lines[name].change.reason
    assert [one for one in doctor(opened, plan).errors if one.name == "name-taken" and NAME in one.message]
    assert about_it(strange) == set()


@pytest.mark.parametrize("careful", [True, False])
def test_provision_refuses_and_asks_nothing_else(strange: Stage, *, careful: bool) -> None:
    before = strange.world()["cluster"]
    opened = strange.opened()
    opened = replace(opened, stack=replace(opened.stack, preflight=careful))
    if careful:
        with pytest.raises(errors.ProvisioningError, match="name-taken"):
            provision(opened)
        assert strange.tape.mutating == []
    else:
        ended = {each.name: each.status for each in provision(opened).outcomes}
        assert ended["cluster"] is Status.FAILED
        assert {ended[step.name] for step in opened.steps if step.traits.inside} == {Status.SKIPPED}
    assert about_it(strange) == set()
    assert strange.world()["cluster"] == before


def test_teardown_leaves_it_and_ends_well(strange: Stage) -> None:
    before = strange.world()
    result = teardown(strange.opened(mint=False))
    assert result.ok, [each for each in result.report.outcomes if not each.good]
    assert strange.tape.mutating == []
    assert strange.world() == before
    assert about_it(strange) == set()


def test_teardown_takes_away_what_was_made_beside_it(strange: Stage) -> None:
    before = strange.world()
    assert not strange.provision().ok
    result = strange.teardown()
    assert result.ok, [each for each in result.report.outcomes if not each.good]
    assert strange.world() == before
    assert about_it(strange) == set()


def test_nobody_goes_into_it(strange: Stage) -> None:
    with pytest.raises(errors.OwnershipError, match="not this stack's"):
        cluster_api(strange.opened())
    assert about_it(strange) == set()


def test_our_own_cluster_that_lost_its_tags_is_still_refused_by_name(stage: Stage) -> None:
    assert stage.provision().ok
    eks = stage.account.plain("eks")
    arn = eks.describe_cluster(name=NAME)["cluster"]["arn"]
    eks.untag_resource(resourceArn=arn, tagKeys=["eksprov:stack", "eksprov:stack-id", "eksprov:step"])
    assert not stage.opened().strange_cluster
    result = stage.teardown()
    assert not result.ok
    assert eks.describe_cluster(name=NAME)["cluster"]["status"] == "ACTIVE"


def test_every_kind_that_is_named_by_its_cluster_is_inside() -> None:
    """A slug "<cluster>/…" is the mark of a kind that EKS keeps by cluster; a repository's slash is its own."""
    named: set[Any] = {kind for kind in KINDS if kind.world == "aws" and "<cluster>/" in (kind.__doc__ or "")}
    assert {kind.kind for kind in named} <= {kind.kind for kind in KINDS if kind.traits.inside}
    assert {kind.kind for kind in KINDS if kind.traits.inside} == {
        case.name for case in CASES.values() if case.in_cluster
    }
