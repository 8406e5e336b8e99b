"""What EKS, its CNI, Auto Mode and GuardDuty leave: gone or named, in a VPC of the stack's own and in a team's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.configs import changed
from support.stage import Stage, Theatre, everything
from support.team import team_of

from eksprov.config.schema import Config
from eksprov.core.step import Owner
from eksprov.kube.api import Ref
from eksprov.local.contract import NodeWish
from eksprov.local.faults.inject import Faults, injected
from eksprov.local.faults.named import plan_of
from eksprov.steps.leftovers.pieces import found_of

CLUSTER = "quickstart"
FAULTS = ("leaked-interface", "left-security-group")
CASES = [(), (FAULTS[0],), (FAULTS[1],), FAULTS]


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": as_list(tags)}]


def clusters_group(stage: Stage, name: str) -> dict[str, Any]:
    vpc = stage.account.plain("eks").describe_cluster(name=name)["cluster"]["resourcesVpcConfig"]
    return {"id": vpc["clusterSecurityGroupId"], "vpc": vpc["vpcId"], "subnet": vpc["subnetIds"][0]}


def auto_node(stage: Stage, name: str) -> str:
    arn = stage.account.plain("eks").describe_cluster(name=name)["cluster"]["arn"]
    spec = stage.emulator.launch_node(arn, NodeWish("claim", "general-purpose", "default", "auto", ("c5.large",)))
    assert spec is not None
    return spec.instance_id


@contextmanager
def struck(stage: Stage, names: tuple[str, ...]) -> Iterator[None]:
    faults = Faults(stage.emulator, plan_of(names, 0), "us-west-2", stage.clock.sleep)
    with injected(faults.around):
        yield


@pytest.fixture(params=["its own VPC", "a team's VPC"])
def auto(request: pytest.FixtureRequest, theatre: Theatre, tmp_path: Path) -> Iterator[tuple[Stage, Config]]:
    """A stack with Auto Mode alone, in either kind of VPC."""
    if request.param == "its own VPC":
        config = changed(everything("auto-mode"), node_groups=[])
        with theatre.stage(config) as stage:
            yield stage, config
    else:
        with team_of(theatre, tmp_path) as team:
            more = {"autoscaler": "auto-mode", "node_groups": [], "models": []}
            yield team.stage, changed(team.config, **more)


@pytest.mark.parametrize("faults", CASES)
def test_auto_mode_goes_to_zero_and_comes_again_at_once(auto: tuple[Stage, Config], faults: tuple[str, ...]) -> None:
    stage, config = auto
    before = stage.world()
    for _ in range(2):
        report = stage.provision(config)
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        node = auto_node(stage, config.name)
        with struck(stage, faults):
            result = stage.teardown(config)
        assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
        assert stage.world() == before
        assert node not in running(stage)
        assert stage.account.plain("iam").list_instance_profiles()["InstanceProfiles"] == []


def running(stage: Stage) -> set[str]:
    found = stage.account.plain("ec2").describe_instances()["Reservations"]
    return {i["InstanceId"] for r in found for i in r["Instances"] if i["State"]["Name"] != "terminated"}


def test_auto_modes_nodes_are_gone_before_their_cluster(auto: tuple[Stage, Config]) -> None:
    """EKS would otherwise leave its group; pools go first, so that no new nodes come."""
    stage, config = auto
    assert stage.provision(config).ok
    auto_node(stage, config.name)
    (kube,) = stage.kubernetes.apis.values()
    names = {"kind": "NodePool", "plural": "nodepools"}
    crd = {"group": "karpenter.sh", "names": names, "scope": "Cluster"}
    meta = {"name": "nodepools.karpenter.sh"}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    kube.apply_as("eks", {**kind, "metadata": meta, "spec": crd})
    for name in ("general-purpose", "mine"):
        kube.apply_as("eks", {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}})
    assert stage.teardown(config).ok
    asked = {text for what, text in kube.writes if what == "delete"}
    assert {str(Ref("karpenter.sh/v1", "NodePool", "", name)) for name in ("general-purpose", "mine")} <= asked
    sent = [call.operation for call in stage.tape.mutating]
    assert sent.index("TerminateInstances") < sent.index("DeleteCluster")
    assert "RevokeSecurityGroupIngress" not in sent
    groups = [call.params["GroupId"] for call in stage.tape.mutating if call.operation == "DeleteSecurityGroup"]
    assert groups == [], "EKS had to leave its group"


OURS = (
    {"cluster.k8s.amazonaws.com/name": CLUSTER},
    {"cluster.k8s.amazonaws.com/name": CLUSTER, "eks:eni:owner": "amazon-vpc-cni"},
    {f"kubernetes.io/cluster/{CLUSTER}": "owned", "eks:eni:owner": "amazon-vpc-cni"},
    {f"kubernetes.io/cluster/{CLUSTER}": "owned", "eks:eni:owner": "eks-vpc-resource-controller"},
    {"eks:eks-cluster-name": CLUSTER, "eks:kubernetes-cni-node-name": "i-1"},
    {"node.k8s.amazonaws.com/instance_id": "i-1"},
)
THEIRS: tuple[dict[str, str], ...] = (
    {},
    {"team": "other"},
    {f"kubernetes.io/cluster/{CLUSTER}": "owned"},
    {f"kubernetes.io/cluster/{CLUSTER}": "shared", "eks:eni:owner": "amazon-vpc-cni"},
    {f"kubernetes.io/cluster/{CLUSTER}-prod": "owned", "eks:eni:owner": "amazon-vpc-cni"},
    {"cluster.k8s.amazonaws.com/name": f"{CLUSTER}-prod", "node.k8s.amazonaws.com/instance_id": "i-1"},
    {"cluster.k8s.amazonaws.com/name": CLUSTER, "eks:eni:owner": "me"},
    {"eks:eks-cluster-name": f"{CLUSTER}-prod"},
    {"eks:eni:owner": "amazon-vpc-cni"},
    {"node.k8s.amazonaws.com/instance_id": "i-1"},
)


def test_each_form_of_a_leaked_interface_goes_before_the_cluster_so_that_its_group_goes_with_it(stage: Stage) -> None:
    assert stage.provision().ok
    group, ec2 = clusters_group(stage, CLUSTER), stage.account.plain("ec2")
    for tags in OURS:
        ec2.create_network_interface(
            SubnetId=group["subnet"], Groups=[group["id"]], TagSpecifications=tagged("network-interface", tags)
        )
    result = stage.teardown()
    assert result.ok, [outcome.message for outcome in result.report.outcomes if not outcome.good]
    sent = [call.operation for call in stage.tape.mutating]
    assert sent.count("DeleteNetworkInterface") == len(OURS)
    assert len(sent) - sent[::-1].index("DeleteNetworkInterface") <= sent.index("DeleteCluster")
    assert "DeleteSecurityGroup" not in sent
    assert not any(stage.grown().values())


@pytest.mark.parametrize("tags", THEIRS, ids=str)
def test_an_interface_of_anyone_else_is_left(stage: Stage, tags: dict[str, str]) -> None:
    assert stage.provision().ok
    ec2 = stage.account.plain("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/20")["Subnet"]["SubnetId"]
    specification = tagged("network-interface", tags) if tags else []
    group = ec2.create_security_group(GroupName=f"eks-cluster-sg-{CLUSTER}-prod-123", Description="x", VpcId=vpc)
    made = ec2.create_network_interface(
        SubnetId=subnet, TagSpecifications=specification, Groups=[group["GroupId"]]
    )["NetworkInterface"]  # fmt: skip
    result = stage.teardown()
    assert (result.ok, result.left) == (True, ())
    found = {one["NetworkInterfaceId"] for one in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    assert made["NetworkInterfaceId"] in found


def test_groups_of_neighbours_and_of_namesakes_stay_and_are_not_counted(stage: Stage) -> None:
    """`quickstart-prod` begins with `quickstart`; so does what only calls itself like EKS's group."""
    assert stage.provision().ok
    ec2 = stage.account.plain("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = {
        ec2.create_security_group(
            GroupName=name, Description="x", VpcId=vpc, TagSpecifications=tagged("security-group", tags)
        )["GroupId"]
        for name, tags in (
            (f"eks-cluster-sg-{CLUSTER}-prod-123", {f"kubernetes.io/cluster/{CLUSTER}-prod": "owned"}),
            (f"eks-cluster-sg-{CLUSTER}-456", {"team": "other"}),
            (f"eks-cluster-sg-{CLUSTER}-prod-789", {f"kubernetes.io/cluster/{CLUSTER}": "shared"}),
        )
    }
    with struck(stage, FAULTS):
        result = stage.teardown()
    assert (result.ok, result.counted["security group"]) == (True, 0)
    assert made <= {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]}


def test_a_neighbours_cluster_group_in_the_stacks_vpc_is_named_at_once_and_stays(stage: Stage) -> None:
    assert stage.provision().ok
    group, ec2 = clusters_group(stage, CLUSTER), stage.account.plain("ec2")
    tags = {f"kubernetes.io/cluster/{CLUSTER}-prod": "owned"}
    theirs = ec2.create_security_group(
        GroupName=f"eks-cluster-sg-{CLUSTER}-prod-123", Description="x", VpcId=group["vpc"],
        TagSpecifications=tagged("security-group", tags),
    )["GroupId"]  # fmt: skip
    began = stage.clock.now()
    result = stage.teardown()
    (failed,) = [outcome for outcome in result.report.outcomes if not outcome.good]
    assert (failed.name, theirs in failed.message, stage.clock.now() - began < 600) == ("vpc", True, True)
    ec2.delete_security_group(GroupId=theirs)
    assert stage.teardown().ok


def test_the_last_reading_counts_a_group_that_eks_left_and_a_stranger_holds(theatre: Theatre, tmp_path: Path) -> None:
    """In a VPC that stays, nothing but the count would ever tell of it."""
    with team_of(theatre, tmp_path) as team:
        stage, ec2 = team.stage, team.ec2
        assert stage.provision(team.config).ok
        group = clusters_group(stage, team.config.name)
        theirs = ec2.create_security_group(GroupName="database", Description="x", VpcId=group["vpc"])["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": group["id"]}]}
        ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[rule])
        began = stage.clock.now()
        result = stage.teardown(team.config)
        assert [resource.identity for resource in result.left] == [group["id"]]
        (failed,) = [outcome for outcome in result.report.outcomes if not outcome.good and outcome.name == "leftovers"]
        assert f"a rule of {theirs} (database)" in failed.message
        assert stage.clock.now() - began < 900, "it waited for what does not go by itself"
        (still,) = ec2.describe_security_groups(GroupIds=[theirs])["SecurityGroups"]
        assert still["IpPermissions"], "a rule of somebody else's was taken away"
        ec2.revoke_security_group_ingress(GroupId=theirs, IpPermissions=[rule])
        assert stage.teardown(team.config).ok
        ec2.delete_security_group(GroupId=theirs)
        assert stage.world() == team.before


def test_guarddutys_endpoint_is_named_at_once_with_the_cure_and_never_touched(stage: Stage) -> None:
    assert stage.provision().ok
    ec2 = stage.account.plain("ec2")
    began = stage.clock.now()
    with struck(stage, ("guardduty-endpoint",)):
        result = stage.teardown()
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=[{"Name": "tag-key", "Values": ["GuardDutyManaged"]}])[
        "VpcEndpoints"
    ]
    failed = [outcome for outcome in result.report.outcomes if outcome.message.startswith("subnet/")]
    assert failed
    assert all(endpoint["VpcEndpointId"] in outcome.message for outcome in failed)
    assert all("GuardDuty" in outcome.hint for outcome in failed)
    assert stage.clock.now() - began < 900, "it waited for what does not go by itself"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    stage.clock.sleep(60)
    again = stage.teardown()
    (held,) = [outcome for outcome in again.report.outcomes if not outcome.good]
    assert ("GuardDutyManagedSecurityGroup-" in held.message, "GuardDuty" in held.hint) == (True, True)
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": ["GuardDutyManaged"]}])[
        "SecurityGroups"
    ]
    ec2.delete_security_group(GroupId=group["GroupId"])
    assert stage.teardown().ok


def test_nothing_in_a_strangers_cluster_of_that_name_is_asked_to_go(stage: Stage) -> None:
    assert stage.provision().ok
    (kube,) = stage.kubernetes.apis.values()
    meta = {"name": "web", "namespace": "default"}
    service = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    kube.apply_as("somebody", {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service})
    eks = stage.account.plain("eks")
    arn = eks.describe_cluster(name=CLUSTER)["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"eksprov:stack": "another"})
    stage.teardown()
    assert [call for call in kube.writes if call[0] == "delete"] == []
    assert eks.describe_cluster(name=CLUSTER)["cluster"]["status"] == "ACTIVE"


def test_while_the_cluster_lives_its_group_is_no_leftover(stage: Stage) -> None:
    assert stage.provision().ok
    aws = stage.aws(Owner(CLUSTER, ""))
    assert [piece for piece in found_of(aws, CLUSTER) if piece.what == "security group"] == []
