"""EKS Auto Mode as emulated: what is refused, what is shown, and whose the instances are."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene, trust

from eksprov.local.contract import AutoMode, NodeSpec, NodeWish

POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"


def switches(on: bool, **compute: Any) -> dict[str, Any]:
    """The three blocks."""
    return {
        "computeConfig": {"enabled": on, **compute},
        "storageConfig": {"blockStorage": {"enabled": on}},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": on}},
    }


def node_role(scene: Scene, name: str = "auto-node") -> str:
    return str(scene.aws.role(name, "ec2.amazonaws.com", "AmazonEKSWorkerNodeMinimalPolicy"))


def with_policies(scene: Scene, name: str = "demo") -> None:
    for policy in POLICIES:
        scene.aws.iam.attach_role_policy(RoleName=f"{name}-cluster", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def said(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == "InvalidParameterException"
    return str(error.value.response["Error"]["Message"])


def wish(claim: str, **more: Any) -> NodeWish:
    return NodeWish(claim, "general-purpose", "default", "auto", ("c5.large", "m5.large"), **more)


def test_creation_wants_all_three_blocks_pools_with_a_role_and_a_role_that_may(scene: Scene) -> None:
    ask, role = scene.aws.cluster_request(), node_role(scene)
    create = scene.aws.eks.create_cluster
    pools = {"nodePools": ["general-purpose"], "nodeRoleArn": role}
    assert "all either fully enabled or fully disabled" in said(create, **{**ask, "computeConfig": {"enabled": True}})
    assert "AmazonEKSBlockStoragePolicy" in said(create, **ask, **switches(True, **pools))
    with_policies(scene)
    assert "nodePool list cannot be populated" in said(create, **ask, **switches(True, nodePools=["system"]))
    assert "nodePool value(s) must be provided" in said(create, **ask, **switches(True, nodeRoleArn=role))
    assert "gpu" in said(create, **ask, **switches(True, nodePools=["gpu"], nodeRoleArn=role))
    bootstrapping = {**ask, "bootstrapSelfManagedAddons": True}
    assert "bootstrapSelfManagedAddons" in said(create, **bootstrapping, **switches(True, **pools))
    create(**ask, **switches(True, **pools))
    scene.clock.advance(451)
    cluster = scene.aws.eks.describe_cluster(name="demo")["cluster"]
    assert cluster["computeConfig"] == {"enabled": True, **pools}
    vpc = cluster["resourcesVpcConfig"]
    subnets, group = tuple(vpc["subnetIds"]), vpc["clusterSecurityGroupId"]
    assert scene.kubernetes.auto == AutoMode(("general-purpose",), "auto-node", subnets, group)
    entry = {"clusterName": "demo", "principalArn": role}
    assert scene.aws.eks.describe_access_entry(**entry)["accessEntry"]["type"] == "EC2"
    policies = scene.aws.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert [each["policyArn"] for each in policies] == [NODE_POLICY]


def test_it_is_switched_on_and_off_by_one_update_and_its_role_stays(scene: Scene) -> None:
    cluster, role = scene.active_cluster(), node_role(scene)
    assert cluster["computeConfig"] == {"enabled": False, "nodePools": []}
    with_policies(scene)
    update = scene.aws.eks.update_cluster_config
    only = {"computeConfig": {"enabled": True, "nodePools": ["system"], "nodeRoleArn": role}}
    assert "all either fully enabled or fully disabled" in said(update, name="demo", **only)
    begun = update(name="demo", **switches(True, nodePools=["system"], nodeRoleArn=role))["update"]
    assert begun["type"] == "AutoModeUpdate"
    scene.clock.advance(61)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["computeConfig"]["nodePools"] == ["system"]
    other = node_role(scene, "another")
    assert "cannot be changed" in said(update, name="demo", **switches(True, nodePools=["system"], nodeRoleArn=other))
    spec = launched(scene, cluster["arn"], wish("one"))
    update(name="demo", **switches(False))
    scene.clock.advance(61)
    shown = scene.aws.eks.describe_cluster(name="demo")["cluster"]
    assert shown["computeConfig"] == {"enabled": False, "nodePools": []}
    assert shown["storageConfig"] == {"blockStorage": {"enabled": False}}
    assert scene.kubernetes.auto is None
    assert state_of(scene, spec.instance_id) == "terminated"


def test_instances_are_tagged_launched_once_a_claim_and_go_with_the_cluster(scene: Scene) -> None:
    arn = scene.active_cluster()["arn"]
    with_policies(scene)
    scene.aws.eks.update_cluster_config(
        name="demo", **switches(True, nodePools=["system"], nodeRoleArn=node_role(scene))
    )
    scene.clock.advance(61)
    scene.world.tick()
    scene.world.capacity.refuse("c5.large")
    spec = launched(scene, arn, wish("one", zones=("us-west-2b",)))
    assert scene.world.launch_node(arn, wish("one")) == spec
    assert (spec.instance_type, spec.zone, spec.complete, spec.name) == (
        "m5.large",
        "us-west-2b",
        True,
        spec.instance_id,
    )
    tags = instance(scene, spec.instance_id)["Tags"]
    expected = {"eks:kubernetes-node-pool-name": "general-purpose", "eks:eks-cluster-name": "demo"}
    assert expected.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items()
    scene.world.capacity.refuse()
    assert scene.world.launch_node(arn, wish("two")) is None
    scene.world.capacity.allow()
    ended = launched(scene, arn, wish("three"))
    scene.kubernetes.add_nodes(arn, (spec, ended))
    scene.aws.ec2.terminate_instances(InstanceIds=[ended.instance_id])
    scene.world.tick()
    assert set(scene.kubernetes.nodes) == {spec.name}
    scene.aws.eks.delete_cluster(name="demo")
    scene.clock.advance(121)
    scene.world.tick()
    assert state_of(scene, spec.instance_id) == "terminated"


def test_types_are_those_of_the_region_with_what_pods_ask_for(scene: Scene) -> None:
    kinds = {kind.name: kind for kind in scene.world.offers(scene.active_cluster()["arn"]).kinds}
    found = kinds["g6.xlarge"]
    assert (found.vcpus, found.memory_mib, found.gpus, found.gpu_name, found.architecture) == (
        4,
        16384,
        1,
        "l4",
        "amd64",
    )
    assert kinds["c7g.large"].architecture == "arm64"
    assert not [name for name in kinds if "metal" in name]


def launched(scene: Scene, arn: str, wanted: NodeWish) -> NodeSpec:
    spec = scene.world.launch_node(arn, wanted)
    assert spec is not None
    return spec


def instance(scene: Scene, instance_id: str) -> Any:
    return scene.aws.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def state_of(scene: Scene, instance_id: str) -> str:
    return str(instance(scene, instance_id)["State"]["Name"])


def test_pools_with_a_node_role_under_a_path_are_not_ready(scene: Scene) -> None:
    """https://github.com/aws/containers-roadmap/issues/2486; at `/` they are."""
    ask, document = scene.aws.cluster_request(), trust("ec2.amazonaws.com")
    with_policies(scene)
    role = scene.aws.iam.create_role(RoleName="pathed", Path="/teams/ml/", AssumeRolePolicyDocument=document)
    made = role["Role"]["Arn"]
    policy = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy"
    scene.aws.iam.attach_role_policy(RoleName="pathed", PolicyArn=policy)
    scene.aws.eks.create_cluster(**ask, **switches(True, nodePools=["system"], nodeRoleArn=made))
    scene.clock.advance(451)
    scene.world.tick()
    auto = scene.kubernetes.auto
    assert auto is not None
    assert made in auto.trouble
    assert auto.role == "pathed"


def test_a_cluster_role_may_have_policies_of_its_own_in_place_of_the_four(scene: Scene) -> None:
    ask, role = scene.aws.cluster_request(), node_role(scene)
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}'
    scene.aws.iam.put_role_policy(RoleName="demo-cluster", PolicyName="own", PolicyDocument=document)
    made = scene.aws.eks.create_cluster(**ask, **switches(True, nodePools=["system"], nodeRoleArn=role))
    assert made["cluster"]["computeConfig"]["enabled"]
