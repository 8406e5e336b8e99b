"""What controllers left is swept by its tags, what is a stranger's is named and stays."""

from __future__ import annotations

from typing import Any

import pytest
from support.stage import Stage
from support.volumes import claims_volume

from eksprov.operations.commands.removal import removal
from eksprov.steps.leftovers.pieces import WHATS, found_of

CLUSTER = "quickstart"
OWNED = {f"kubernetes.io/cluster/{CLUSTER}": "owned"}
CONTROLLER = {"elbv2.k8s.aws/cluster": CLUSTER}


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": as_list(tags)}]


class Controllers:
    """Makes what controllers make, with plain clients."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.plain = stage, stage.account.plain
        self.ec2, self.elbv2, self.elb = self.plain("ec2"), self.plain("elbv2"), self.plain("elb")
        vpcs = self.ec2.describe_vpcs(Filters=[{"Name": "tag:eksprov:stack", "Values": [CLUSTER]}])["Vpcs"]
        self.vpc = vpcs[0]["VpcId"]
        subnets = self.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["Subnets"]
        self.subnets = [subnet["SubnetId"] for subnet in subnets]

    def security_group(self, name: str, tags: dict[str, str]) -> str:
        return str(
            self.ec2.create_security_group(
                GroupName=name, Description=name, VpcId=self.vpc, TagSpecifications=tagged("security-group", tags)
            )["GroupId"]
        )

    def load_balancer(self, tags: dict[str, str]) -> str:
        made = self.elbv2.create_load_balancer(Name="k8s-models", Subnets=self.subnets[:2], Tags=as_list(tags))
        group = self.elbv2.create_target_group(
            Name="k8s-models", Protocol="HTTP", Port=80, VpcId=self.vpc, Tags=as_list(tags)
        )
        arn = str(made["LoadBalancers"][0]["LoadBalancerArn"])
        target = group["TargetGroups"][0]["TargetGroupArn"]
        action = {"Type": "forward", "TargetGroupArn": target}
        self.elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
        return arn

    def everything(self) -> None:
        """One of each kind that is swept."""
        self.load_balancer(CONTROLLER)
        one, other = self.security_group("k8s-one", CONTROLLER), self.security_group("k8s-elb-a0123", OWNED)
        self.elb.create_load_balancer(
            LoadBalancerName="a0123", Subnets=self.subnets[:1], Tags=as_list(OWNED), SecurityGroups=[other],
            Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 30000}],
        )  # fmt: skip
        for group, source in ((one, other), (other, one)):
            rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": source}]}
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.ec2.create_network_interface(
            SubnetId=self.subnets[0], Description="aws-K8S-i-0123",
            TagSpecifications=tagged("network-interface", {"cluster.k8s.amazonaws.com/name": CLUSTER}),
        )  # fmt: skip
        claims_volume(self.stage, CLUSTER, "Delete")
        pool = {"eks:eks-cluster-name": CLUSTER, "karpenter.k8s.aws/ec2nodeclass": "default", **OWNED}
        for number, tags in enumerate(({"karpenter.k8s.aws/cluster": CLUSTER}, pool)):  # of two generations
            self.ec2.create_launch_template(
                LaunchTemplateName=f"karpenter.k8s.aws/{number}", LaunchTemplateData={"InstanceType": "m7i.large"},
                TagSpecifications=tagged("launch-template", tags),
            )  # fmt: skip
        iam, name = self.plain("iam"), "quickstart_123"
        path = f"/karpenter/us-west-2/{CLUSTER}/uid/"
        iam.create_instance_profile(InstanceProfileName=name, Path=path, Tags=as_list(pool))
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="quickstart-us-west-2-node")
        self.plain("logs").create_log_group(logGroupName=f"/aws/containerinsights/{CLUSTER}/application")
        image = self.ec2.register_image(Name="node", Architecture="x86_64", RootDeviceName="/dev/xvda")["ImageId"]
        self.ec2.run_instances(
            ImageId=image, MinCount=1, MaxCount=1, InstanceType="m7i.large", SubnetId=self.subnets[0],
            TagSpecifications=tagged("instance", {**OWNED, "karpenter.sh/nodepool": "default"}),
        )  # fmt: skip


def test_everything_that_controllers_left_goes_and_is_counted(stage: Stage) -> None:
    assert stage.provision().ok
    Controllers(stage).everything()
    seen = {piece.what for piece in found_of(stage.opened(mint=False).aws, CLUSTER)}
    assert seen == set(WHATS), "a kind that is swept has no example here"
    result = stage.teardown()
    assert result.ok, [outcome.message for outcome in result.report.outcomes if not outcome.good]
    assert {what: result.counted[what] for what in WHATS} == dict.fromkeys(WHATS, 0)
    left = {kind: items for kind, items in stage.grown().items() if items}
    assert not left
    for client, operation, key in (
        ("elbv2", "describe_load_balancers", "LoadBalancers"),
        ("elbv2", "describe_target_groups", "TargetGroups"),
        ("elb", "describe_load_balancers", "LoadBalancerDescriptions"),
        ("ec2", "describe_launch_templates", "LaunchTemplates"),
        ("iam", "list_instance_profiles", "InstanceProfiles"),
    ):
        assert getattr(stage.account.plain(client), operation)()[key] == []


MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}'
EACH = {
    "instance": 1, "load balancer": 1, "classic load balancer": 1, "target group": 1, "network interface": 1,
    "volume": 1, "security group": 2, "launch template": 2, "instance profile": 1, "untagged log group": 1,
}  # fmt: skip


def test_the_preview_counts_all_that_will_go_and_writes_nothing(stage: Stage) -> None:
    """With the files and images inside what goes; twice the same file or image is one."""
    assert stage.provision().ok
    Controllers(stage).everything()
    s3, ecr = stage.account.plain("s3"), stage.account.plain("ecr")
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith(CLUSTER)]
    for name in ("models/a", "models/b", "models/b"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"weights")
    (repository,) = [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]
    for tag in ("one", "two"):
        ecr.put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag=tag)
    before = {kind: len(items) for kind, items in stage.grown().items()}
    stage.tape.rewind()
    foreseen = removal(stage.opened(mint=False)).counted
    assert stage.tape.mutating == []
    assert {what: foreseen[what] for what in EACH} == EACH
    assert (foreseen["file"], foreseen["image"]) == (2, 1)
    for kind in ("vpc", "subnet", "cluster", "node-group", "addon", "bucket", "repository", "nat-gateway"):
        assert foreseen[kind] == before[kind]
    assert stage.teardown().ok
    assert removal(stage.opened(mint=False)).counted == {}


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_cut_off_at_any_time_after_the_cluster_has_gone_the_next_teardown_sweeps_the_rest(
    stage: Stage, state: str
) -> None:
    assert stage.provision().ok
    Controllers(stage).everything()
    assert stage.teardown().ok
    sent = [call.operation for call in stage.tape.mutating]
    for at in range(sent.index("DeleteCluster") + 1, len(sent) + 1, 8):
        assert stage.provision().ok
        Controllers(stage).everything()
        assert not stage.survives(stage.teardown, at, "after"), f"it made fewer calls than {at}"
        stage.store.forget() if state == "lost" else None
        assert stage.teardown().ok
        aws = stage.opened(mint=False).aws
        assert found_of(aws, CLUSTER) == (), f"cut off after call {at} ({sent[at - 1]})"


def test_what_bears_another_clusters_name_is_left(stage: Stage) -> None:
    assert stage.provision().ok
    others = Controllers(stage)
    volume = {"kubernetes.io/cluster/another": "owned"}
    others.ec2.create_volume(AvailabilityZone="us-west-2a", Size=8, TagSpecifications=tagged("volume", volume))
    paths = {f"/eks/us-west-2/{CLUSTER}-2/", f"/eks/eu-west-1/{CLUSTER}/", f"/karpenter/us-west-2/{CLUSTER}-2/uid/"}
    for number, path in enumerate(sorted(paths)):
        others.plain("iam").create_instance_profile(InstanceProfileName=f"eks-{number}", Path=path)
    assert stage.teardown().ok
    profiles = others.plain("iam").list_instance_profiles()["InstanceProfiles"]
    assert {profile["Path"] for profile in profiles} == paths
    volumes = others.ec2.describe_volumes(Filters=[{"Name": "tag:kubernetes.io/cluster/another", "Values": ["owned"]}])
    assert len(volumes["Volumes"]) == 1


def test_a_strangers_security_group_is_named_and_stays_and_the_rest_goes(stage: Stage) -> None:
    assert stage.provision().ok
    controllers = Controllers(stage)
    controllers.load_balancer(CONTROLLER)
    controllers.ec2.create_network_interface(
        SubnetId=controllers.subnets[0], Description="aws-K8S-i-0123",
        TagSpecifications=tagged("network-interface", {"cluster.k8s.amazonaws.com/name": CLUSTER}),
    )  # fmt: skip
    foreign = controllers.security_group("theirs", {"team": "other"})
    began = stage.clock.now()
    result = stage.teardown()
    assert not result.ok
    (failed,) = [outcome for outcome in result.report.outcomes if not outcome.good]
    assert failed.name == "vpc"
    assert f"security group {foreign} (theirs)" in failed.message
    assert stage.clock.now() - began < 600, "it waited for what does not go by itself"
    assert controllers.elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert controllers.ec2.describe_security_groups(GroupIds=[foreign])["SecurityGroups"]
    controllers.ec2.delete_security_group(GroupId=foreign)
    assert stage.teardown().ok
    assert not any(stage.grown().values())


def test_provision_never_sweeps_what_a_living_cluster_uses(stage: Stage) -> None:
    assert stage.provision().ok
    Controllers(stage).everything()
    before = stage.world()
    stage.store.forget()
    assert stage.provision().ok
    assert stage.world() == before


@pytest.mark.parametrize("kind", ["Service", "Ingress", "PersistentVolumeClaim"])
def test_what_holds_load_balancers_and_volumes_is_asked_to_go_while_kubernetes_lives(stage: Stage, kind: str) -> None:
    assert stage.provision().ok
    (kube,) = stage.kubernetes.apis.values()
    version = "networking.k8s.io/v1" if kind == "Ingress" else "v1"
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}]} if kind == "Service" else {}
    meta = {"name": "theirs", "namespace": "default"}
    kube.apply_as("somebody", {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec})
    inner = {"name": "inner", "namespace": "default"}
    internal = {"apiVersion": "v1", "kind": "Service", "metadata": inner, "spec": {"ports": [{"port": 80}]}}
    kube.apply_as("somebody", internal)
    assert stage.teardown().ok
    assert [call for call in kube.writes if call[0] == "delete"] == [("delete", f"{version}|{kind}|default|theirs")]
