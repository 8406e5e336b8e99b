"""A Kubernetes that does what a test says, a clock that stands still, a small network, refusals, and tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.contract import AddonHealth, AddonSpec, AutoMode, ClusterSpec, ClusterStatus, NodeSpec

DEMO = {"clusterName": "demo"}  # the cluster that a scene makes, unless told otherwise
HOST = "http://127.0.0.1:4566"
NEED_NODES = ("coredns", "metrics-server")
READY = ClusterStatus("ready", "https://127.0.0.1:6443", "Q0E=")


class Clock:
    """Virtual time, in seconds."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.at = start

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class FakeKubernetes:
    """Ready at once, unless told otherwise; remembers what it was asked for."""

    status: ClusterStatus = READY
    clusters: dict[str, ClusterSpec] = field(default_factory=dict)
    nodes: dict[str, NodeSpec] = field(default_factory=dict)
    addons: dict[str, AddonSpec] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    auto: AutoMode | None = None
    nodes_ready: bool = True
    stops: bool = True

    def start_cluster(self, spec: ClusterSpec) -> None:
        self.clusters[spec.arn] = spec

    def cluster_status(self, cluster_arn: str) -> ClusterStatus:
        return self.status if cluster_arn in self.clusters else ClusterStatus("absent")

    def stop_cluster(self, cluster_arn: str) -> None:
        if self.stops:
            self.clusters.pop(cluster_arn, None)

    def add_nodes(self, cluster_arn: str, nodes: tuple[NodeSpec, ...]) -> None:
        assert cluster_arn in self.clusters
        self.nodes |= {node.name: node for node in nodes}

    def remove_nodes(self, cluster_arn: str, names: tuple[str, ...]) -> None:
        assert cluster_arn in self.clusters
        for name in names:
            self.nodes.pop(name, None)

    def node_ready(self, cluster_arn: str, name: str) -> bool:
        return cluster_arn in self.clusters and self.nodes_ready and name in self.nodes

    def set_auto_mode(self, cluster_arn: str, wish: AutoMode | None) -> None:
        assert cluster_arn in self.clusters
        self.auto = wish

    def install_addon(self, cluster_arn: str, addon: AddonSpec) -> None:
        assert cluster_arn in self.clusters
        self.addons[addon.name] = addon

    def remove_addon(self, cluster_arn: str, name: str) -> None:
        assert cluster_arn in self.clusters
        self.addons.pop(name, None)

    def addon_health(self, cluster_arn: str, name: str) -> AddonHealth:
        ready = cluster_arn in self.clusters and (name not in NEED_NODES or bool(self.nodes))
        return AddonHealth(ready, "" if ready else "no nodes available to schedule pods")

    def sync_access(self, cluster_arn: str, policies: Mapping[str, str]) -> None:
        assert cluster_arn in self.clusters
        self.access = dict(policies)


def trust(service: str) -> str:
    """A trust policy as EKS wants it."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Account:
    """Clients, and the few resources most tests begin with."""

    def __init__(self, session: Any, url: str | None = None) -> None:
        for name in ("ec2", "eks", "iam", "s3", "sts", "autoscaling", "logs"):
            setattr(self, name, session.client(name, endpoint_url=url))

    ec2: Any
    eks: Any
    iam: Any
    s3: Any
    sts: Any
    autoscaling: Any
    logs: Any

    def role(self, name: str, service: str, *policies: str) -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        return str(made["Role"]["Arn"])

    def network(self) -> tuple[str, list[str]]:
        """A VPC and two subnets in two zones."""
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-west-2{zone}")
            for number, zone in enumerate("ab")
        ]
        return vpc, [each["Subnet"]["SubnetId"] for each in subnets]

    def cluster_request(self, name: str = "demo", **more: Any) -> dict[str, Any]:
        """A CreateCluster request that is accepted; makes network and role."""
        role = self.role(f"{name}-cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        access = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
        return {
            "name": name,
            "roleArn": role,
            "resourcesVpcConfig": {"subnetIds": self.network()[1]},
            "accessConfig": access,
            "bootstrapSelfManagedAddons": False,
            **more,
        }

    def nodegroup_request(self, cluster: str = "demo", name: str = "cpu", **more: Any) -> dict[str, Any]:
        """A CreateNodegroup request that is accepted; makes the role."""
        role = self.role(f"{name}-node", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy")
        vpc = self.eks.describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]
        return {
            "clusterName": cluster,
            "nodegroupName": name,
            "nodeRole": role,
            "subnets": vpc["subnetIds"],
            "instanceTypes": ["m6i.large"],
            "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 2},
            **more,
        }


@dataclass
class Scene:
    """What a test plays with."""

    aws: Account
    world: LocalAws
    clock: Clock
    kubernetes: FakeKubernetes

    def active_cluster(self, name: str = "demo", **more: Any) -> Any:
        """A cluster that has become ACTIVE."""
        self.aws.eks.create_cluster(**self.aws.cluster_request(name, **more))
        self.clock.advance(451)
        cluster = self.aws.eks.describe_cluster(name=name)["cluster"]
        assert cluster["status"] == "ACTIVE"
        return cluster

    def active_nodegroup(self, **more: Any) -> Any:
        """A node group of the cluster that has become ACTIVE."""
        made = self.aws.eks.create_nodegroup(**self.aws.nodegroup_request(**more))["nodegroup"]
        names = {"clusterName": made["clusterName"], "nodegroupName": made["nodegroupName"]}
        for _ in range(3):
            self.clock.advance(41)
            self.world.tick()
        self.clock.advance(200)
        found = self.aws.eks.describe_nodegroup(**names)["nodegroup"]
        assert found["status"] == "ACTIVE"
        return found


def refused(call: Any, **params: Any) -> str:
    """The code of the refusal."""
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


def token(
    key: str = "test",
    secret: str = "test",
    session_token: str | None = None,
    *,
    cluster: str | None = "demo",
    host: str = HOST,
    expires: int = 60,
    action: str = "GetCallerIdentity",
) -> str:
    """An EKS token, made as every client makes it."""
    headers = {} if cluster is None else {"x-k8s-aws-id": cluster}
    request = AWSRequest("GET", f"{host}/?Action={action}&Version=2011-06-15", headers=headers)
    SigV4QueryAuth(Credentials(key, secret, session_token), "sts", "us-west-2", expires).add_auth(request)
    assert request.url is not None
    return "k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")
