"""EKS Auto Mode: made with the cluster, switched on and off in place, mended, and swept up after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench
from support.configs import changed
from support.stage import Stage, Theatre, everything, quick_start
from support.volumes import claims_volume

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.local.contract import NodeWish
from eksprov.operations.commands.plan import make_plan

POLICIES = {
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
}
NODE_POLICIES = {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}
BLOCKS = {"computeConfig", "kubernetesNetworkConfig", "storageConfig"}


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(changed(everything("auto-mode"), node_groups=[])) as stage:
        yield stage


def live(stage: Stage) -> Any:
    return stage.account.plain("eks").describe_cluster(name=stage.config.name)["cluster"]


def attached(stage: Stage, purpose: str) -> set[str]:
    name = f"{stage.config.name}-us-west-2-{purpose}"
    found = stage.account.plain("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {policy["PolicyName"] for policy in found}


def subnets(stage: Stage, side: str) -> set[str]:
    tag = {"private": "internal-elb", "public": "elb"}[side]
    filters = [{"Name": "tag-key", "Values": [f"kubernetes.io/role/{tag}"]}]
    return {one["SubnetId"] for one in stage.account.plain("ec2").describe_subnets(Filters=filters)["Subnets"]}


def updates(stage: Stage) -> list[set[str]]:
    calls = [call for call in stage.tape.mutating if call.operation == "UpdateClusterConfig"]
    return [set(call.params) - {"name", "clientRequestToken"} for call in calls]


def by_hand(stage: Stage, on: bool, **compute: Any) -> None:
    stage.account.plain("eks").update_cluster_config(
        name=stage.config.name,
        computeConfig={"enabled": on, **compute},
        kubernetesNetworkConfig={"elasticLoadBalancing": {"enabled": on}},
        storageConfig={"blockStorage": {"enabled": on}},
    )


def launch(stage: Stage) -> str:
    """A node that EKS makes for some pod."""
    wish = NodeWish("claim", "general-purpose", "default", "auto", ("c5.large",))
    spec = stage.emulator.launch_node(live(stage)["arn"], wish)
    assert spec is not None
    return spec.instance_id


def state(stage: Stage, instance_id: str) -> str:
    found = stage.account.plain("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"]
    return str(found[0]["Instances"][0]["State"]["Name"])


def test_a_stack_without_node_groups_has_what_auto_mode_needs_and_nothing_that_it_contains(stage: Stage) -> None:
    report = stage.provision()
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
    cluster, eks = live(stage), stage.account.plain("eks")
    role = cluster["computeConfig"]["nodeRoleArn"]
    assert sorted(cluster["computeConfig"]["nodePools"]) == ["general-purpose", "system"]
    assert cluster["storageConfig"]["blockStorage"] == {"enabled": True}
    assert cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": True}
    assert set(cluster["resourcesVpcConfig"]["subnetIds"]) == subnets(stage, "private")
    assert role.endswith("/auto-us-west-2-auto-node")
    assert (attached(stage, "cluster"), attached(stage, "auto-node")) == (POLICIES, NODE_POLICIES)
    assert eks.describe_access_entry(clusterName="auto", principalArn=role)["accessEntry"]["type"] == "EC2"
    assert eks.list_nodegroups(clusterName="auto")["nodegroups"] == []
    assert sorted(eks.list_addons(clusterName="auto")["addons"]) == ["eks-node-monitoring-agent", "metrics-server"]
    roles = {one["RoleName"] for one in stage.account.plain("iam").list_roles()["Roles"]}
    assert not roles & {"auto-us-west-2-node", "auto-us-west-2-vpc-cni"}
    again = stage.provision()
    assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []


def test_what_somebody_switched_off_by_hand_is_switched_on_again(stage: Stage) -> None:
    stage.provision()
    before = stage.world()
    role = live(stage)["computeConfig"]["nodeRoleArn"]
    by_hand(stage, True, nodePools=["system"], nodeRoleArn=role)
    assert stage.provision().ok
    assert (updates(stage), stage.world()) == ([BLOCKS], before)
    by_hand(stage, False)
    assert stage.provision().ok
    assert (updates(stage), stage.world()) == ([BLOCKS], before)


def test_it_is_switched_on_and_off_in_place_beside_node_groups(theatre: Theatre) -> None:
    """Subnets first: EKS's own NodeClass takes those that the cluster has at that moment, and keeps them."""
    with theatre.stage(quick_start()) as stage:
        stage.provision()
        before = stage.world()
        both = changed(stage.config, autoscaler="auto-mode")
        report = stage.provision(both)
        assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
        first, *then = updates(stage)  # the second is sent until EKS is through with the first
        assert (first, [blocks for blocks in then if blocks != BLOCKS]) == ({"resourcesVpcConfig"}, [])
        cluster = live(stage)
        assert cluster["computeConfig"]["enabled"]
        assert set(cluster["resourcesVpcConfig"]["subnetIds"]) == subnets(stage, "private")
        assert attached(stage, "cluster") == POLICIES
        assert "vpc-cni" in stage.account.plain("eks").list_addons(clusterName="quickstart")["addons"]
        made = launch(stage)
        line = next(one for one in make_plan(stage.opened(stage.config)).lines if one.name == "cluster")
        assert (line.change.action, "ends every instance" in line.change.reason) == (Action.UPDATE, True)
        assert stage.provision(stage.config).ok
        assert (updates(stage), state(stage, made)) == ([BLOCKS], "terminated")
        assert not live(stage)["computeConfig"]["enabled"]
        assert attached(stage, "cluster") == {"AmazonEKSClusterPolicy"}
        assert stage.world()["iam-role"] == before["iam-role"]
        assert stage.teardown(stage.config).ok


def test_another_node_role_is_refused_with_the_way_to_it(stage: Stage) -> None:
    bench = Bench(stage)
    bench.make("cluster")
    bench.outputs.put("role/auto-node", {"arn": "arn:aws:iam::123456789012:role/another"})
    with pytest.raises(errors.EksprovError, match=r"node role .*auto-node, and EKS does not change that") as refused:
        bench.again(bench.steps["cluster"])
    assert "autoscaler to none" in str(refused.value)
    assert bench.calls() == []


def test_a_teardown_ends_its_nodes_and_sweeps_what_it_left(stage: Stage) -> None:
    stage.provision()
    made, ec2 = launch(stage), stage.account.plain("ec2")
    vpc = live(stage)["resourcesVpcConfig"]["vpcId"]
    ours, theirs = ([{"Key": "eks:eks-cluster-name", "Value": name}] for name in ("auto", "another"))
    tagged = [{"ResourceType": "volume", "Tags": theirs}]
    ec2.create_volume(AvailabilityZone="us-west-2a", Size=8, TagSpecifications=tagged)
    claims_volume(stage, "auto", "Delete", driver="ebs.csi.eks.amazonaws.com", tags={"eks:eks-cluster-name": "auto"})
    group = [{"ResourceType": "security-group", "Tags": ours}]
    ec2.create_security_group(GroupName="k8s-auto", Description="x", VpcId=vpc, TagSpecifications=group)
    result = stage.teardown()
    assert result.ok, result.left
    assert state(stage, made) == "terminated"
    assert [volume["Tags"] for volume in ec2.describe_volumes()["Volumes"]] == [theirs]
    assert vpc not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}


def test_eks_is_asked_again_until_iam_shows_the_policies(stage: Stage) -> None:
    bench = Bench(stage)
    bench.make("cluster")
    step = bench.steps["cluster"]
    aws = bench.aws()
    have = step.discover(aws)
    assert have is not None
    bench.tape.rewind()
    want = replace(step.desired(bench.outputs), node_pools=frozenset({"system"}))
    bench.tape.refuse("UpdateClusterConfig", "InvalidParameterException", "IAM role's policy must include x", times=2)
    step.update(aws, want, have, ("node_pools",))
    assert bench.calls() == ["UpdateClusterConfig"] * 3
