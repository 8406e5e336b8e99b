"""EKS's own access entries of nodes: left to EKS, and replaced where they know an earlier role of the name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.stage import Stage, Theatre, everything, quick_start

from eksprov.core.outcome import Status
from eksprov.local.contract import NodeWish
from eksprov.operations.commands.plan import make_plan

STACKS = {"quick-start": ("node", "EC2_LINUX", "quickstart"), "auto-mode": ("auto-node", "EC2", "auto")}
PATHS = {"node": "/eksprov/", "auto-node": "/"}  # Auto Mode's nodes do not come up with a role that has a path
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Statement": [EC2]})


@pytest.fixture(params=sorted(STACKS))
def stage(theatre: Theatre, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with theatre.stage(quick_start() if request.param == "quick-start" else everything(request.param)) as stage:
        yield stage


def of(stage: Stage) -> tuple[str, str, str]:
    return next(one for one in STACKS.values() if one[2] == stage.config.name)


def role_of(stage: Stage) -> str:
    purpose, _, name = of(stage)
    return f"{name}-us-west-2-{purpose}"


def entry(stage: Stage) -> Any:
    arn = f"arn:aws:iam::123456789012:role{PATHS[of(stage)[0]]}{role_of(stage)}"
    found = stage.account.plain("eks").describe_access_entry(clusterName=stage.config.name, principalArn=arn)
    return found["accessEntry"]


def policies(stage: Stage) -> list[str]:
    key = {"clusterName": stage.config.name, "principalArn": entry(stage)["principalArn"]}
    found = stage.account.plain("eks").list_associated_access_policies(**key)["associatedAccessPolicies"]
    return [one["policyArn"].rsplit("/", 1)[-1] for one in found]


def make_role(stage: Stage) -> None:
    """Somebody makes a role of the same name: bare, so that nothing keeps it from being deleted again."""
    path = PATHS[of(stage)[0]]
    stage.account.plain("iam").create_role(RoleName=role_of(stage), Path=path, AssumeRolePolicyDocument=TRUST)


def delete_role(stage: Stage) -> None:
    """Somebody deletes the nodes' role; eksprov makes it again, under the same name."""
    iam, name = stage.account.plain("iam"), role_of(stage)
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        # Auto Mode's own profile has the role in it, and IAM deletes no role that is in one.
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)
    stage.clock.sleep(3600)


def node_comes(stage: Stage) -> bool:
    """Whether a new node gets into the cluster."""
    eks, name = stage.account.plain("eks"), stage.config.name
    cluster = stage.emulator.region("us-west-2").clusters[name]
    if of(stage)[1] == "EC2":
        wish = NodeWish("claim", "general-purpose", "default", "auto", ("c5.large",))
        return stage.emulator.launch_node(cluster.arn, wish) is not None
    (group,) = eks.list_nodegroups(clusterName=name)["nodegroups"]
    before = {node.name for node in cluster.nodegroups[group].nodes.values()}
    size = eks.describe_nodegroup(clusterName=name, nodegroupName=group)["nodegroup"]["scalingConfig"]
    more = {**size, "desiredSize": size["desiredSize"] + 1, "maxSize": size["maxSize"] + 1}
    eks.update_nodegroup_config(clusterName=name, nodegroupName=group, scalingConfig=more)
    stage.clock.sleep(600)
    eks.list_clusters()  # the world moves on
    return any(node.added for node in cluster.nodegroups[group].nodes.values() if node.name not in before)


def test_eks_makes_the_entry_and_nothing_touches_it(stage: Stage) -> None:
    assert stage.provision().ok
    made = entry(stage)
    assert (made["type"], made["tags"]) == (of(stage)[1], {})
    assert stage.provision().ok
    assert entry(stage) == made
    assert not [c for c in stage.tape.mutating if "AccessEntry" in c.operation]


def test_a_role_made_again_under_a_living_cluster_gets_an_entry_that_knows_it(stage: Stage) -> None:
    assert stage.provision().ok
    before, had = entry(stage), policies(stage)
    delete_role(stage)
    make_role(stage)
    assert not node_comes(stage)  # what AWS does with the old entry
    stage.account.plain("iam").delete_role(RoleName=role_of(stage))
    report = stage.provision()
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
    after = entry(stage)
    assert (after["type"], after["tags"], policies(stage)) == (before["type"], {}, had)
    assert after["createdAt"] > before["createdAt"]
    assert node_comes(stage)
    step = f"node-access-entry/{of(stage)[0]}"
    assert next(o.status for o in report.outcomes if o.name == step) is Status.UPDATED


def test_the_plan_says_what_keeps_nodes_out(stage: Stage) -> None:
    assert stage.provision().ok
    delete_role(stage)
    make_role(stage)
    (line,) = [one for one in make_plan(stage.opened()).lines if one.name == f"node-access-entry/{of(stage)[0]}"]
    assert line.change.action.value == "update"
    assert "nodes cannot join" in str(line)


def test_karpenters_entry_is_made_again_for_a_role_that_was_made_again(theatre: Theatre) -> None:
    with theatre.stage(everything("karpenter")) as stage:
        assert stage.provision().ok
        iam, name = stage.account.plain("iam"), "pools-us-west-2-karpenter-node"
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)
        stage.clock.sleep(3600)
        assert stage.provision().ok
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
        known = stage.emulator.region("us-west-2").clusters["pools"].entries[arn].principal_id
        assert known == iam.get_role(RoleName=name)["Role"]["RoleId"]
