"""What eksprov installs in a cluster, as manifests: pure, pinned, and confined as far as their work allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.pod_security import violations

from eksprov.config.schema import NodePool
from eksprov.controllers.cluster_autoscaler import RELEASES, cluster_autoscaler, image
from eksprov.controllers.device_plugins import PLUGINS, device_plugin
from eksprov.controllers.karpenter import Around, karpenter
from eksprov.controllers.karpenter_pools import KarpenterPool, PoolNetwork
from eksprov.controllers.parts import ControllerFacts
from eksprov.kube.objects import KubeObject, owner_of
from eksprov.local.node.containers import images

FACTS = ControllerFacts("demo", "id-1", "demo", "us-west-2", "1.36", ("cluster", "access-entry/me"))
GPU_TAINT = ("nvidia.com/gpu", "present", "NO_SCHEDULE")
POOLS = (
    KarpenterPool(NodePool(name="everyday"), (), 50),
    KarpenterPool(
        NodePool(
            name="gpu",
            instance_families=("g6",),
            capacity_types=("SPOT", "ON_DEMAND"),
            zone_ids=("usw2-az1",),
            gpu_limit=4,
            memory_limit_gib=64,
            drain_limit_s=600,
            expire_after_hours=None,
            labels={"team": "llm"},
        ),
        (GPU_TAINT,),
        200,
    ),
    KarpenterPool(NodePool(name="sealed", ami_family="bottlerocket", consolidation="Never", weight=5), (), 50),
)
AROUND = Around("demo-karpenter", ("pod-identity/karpenter", "queue/karpenter"), ("role/n",), ("node-group/main",), 1)
ALL: tuple[KubeObject, ...] = (
    *device_plugin(FACTS, "nvidia", ("g5.xlarge", "p5.48xlarge")),
    *device_plugin(FACTS, "neuron", ("inf2.xlarge",)),
    *device_plugin(FACTS, "efa", ("p5.48xlarge",)),
    *cluster_autoscaler(FACTS, ("pod-identity/cluster-autoscaler",), ("node-group/main",)),
    *karpenter(FACTS, AROUND, POOLS, PoolNetwork("demo-karpenter-node")),
)


def pods(some: tuple[KubeObject, ...] = ALL) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for step in some:
        template = step.manifest.get("spec", {}).get("template")
        if template and "containers" in template["spec"]:
            yield step.name, template


def manifest(name: str) -> Mapping[str, Any]:
    return next(step.manifest for step in ALL if step.name == name)


def test_every_object_says_whose_it_is_and_waits_for_the_way_in() -> None:
    assert len({step.name for step in ALL}) == len({step.slug for step in ALL}) == len(ALL)
    for step in ALL:
        owner = owner_of(dict(step.manifest))
        assert owner is not None
        assert (owner.stack, owner.stack_id, owner.step) == ("demo", "id-1", step.name)
        assert step.needs[:2] == FACTS.gate


def test_images_are_pinned_and_stand_ins_of_the_local_world() -> None:
    for name, template in pods():
        for container in template["spec"]["containers"]:
            assert re.search(r":v?\d+\.\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?$", container["image"]), name
            assert images.recognise(container["image"]).stand_in.runs is None, name
            assert container["resources"]["limits"].keys() == {"memory"}, name


@pytest.mark.parametrize(
    ("version", "tag"), [*RELEASES.items(), ("1.40", RELEASES["1.36"]), ("1.30", RELEASES["1.33"])]
)
def test_the_autoscaler_has_the_release_of_the_clusters_minor(version: str, tag: str) -> None:
    assert image(version) == f"registry.k8s.io/autoscaling/cluster-autoscaler:v{tag}"


def test_workloads_keep_to_restricted_but_for_what_a_device_plugin_cannot_do_without() -> None:
    found = {name: violations(template["spec"]) for name, template in pods()}
    assert found == {
        "controller/nvidia-device-plugin/daemon-set": [
            "volume sockets of type hostPath",
            "nvidia-device-plugin: runAsNonRoot",
        ],
        "controller/neuron-device-plugin/daemon-set": [
            "volume sockets of type hostPath",
            "volume run of type hostPath",
            "neuron-device-plugin: runAsNonRoot",
        ],
        # All of it stands in AWS's own chart.
        "controller/efa-device-plugin/daemon-set": [
            "hostNetwork",
            "volume sockets of type hostPath",
            "volume devices of type hostPath",
            "volume neuron-tools of type hostPath",
            "efa-device-plugin: privileged",
            "efa-device-plugin: allowPrivilegeEscalation",
            "efa-device-plugin: runAsNonRoot",
            "efa-device-plugin: runAsUser 0",
            "efa-device-plugin: capabilities",
        ],
        "controller/cluster-autoscaler/deployment": [],
        "controller/karpenter/deployment": [],
    }


def test_a_device_plugin_runs_on_nodes_of_its_types_whatever_taints_they_have() -> None:
    spec = manifest("controller/nvidia-device-plugin/daemon-set")["spec"]["template"]["spec"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [
        {
            "matchExpressions": [
                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.xlarge", "p5.48xlarge"]},
                {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["auto"]},
            ]
        }
    ]
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert PLUGINS["nvidia"].resource == "nvidia.com/gpu"


def test_the_autoscaler_waits_for_its_rights_and_discovers_the_clusters_groups_alone() -> None:
    deployment = next(step for step in ALL if step.name == "controller/cluster-autoscaler/deployment")
    others = {step.name for step in ALL if step.name.startswith("controller/cluster-autoscaler/")} - {deployment.name}
    assert others | {"pod-identity/cluster-autoscaler"} <= set(deployment.needs)
    assert deployment.awaits == ("node-group/main",)
    command = deployment.manifest["spec"]["template"]["spec"]["containers"][0]["command"]
    tags = "k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/demo"
    assert f"--node-group-auto-discovery=asg:tag={tags}" in command


def test_the_same_facts_give_the_same_objects() -> None:
    assert device_plugin(FACTS, "nvidia", ("p5.48xlarge", "g5.xlarge")) == ALL[:1]


def node_pool(name: str) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = manifest(f"controller/karpenter/node-pool-{name}")["spec"]
    return spec


def test_karpenter_never_runs_on_a_node_of_its_own_and_goes_after_the_kinds_that_it_serves() -> None:
    steps = {step.name.removeprefix("controller/karpenter/"): step for step in ALL if "/karpenter/" in step.name}
    kinds = tuple(f"controller/karpenter/definition-node-{what}" for what in ("pools", "claims", "classes"))
    deployment = steps["deployment"]
    assert deployment.outlives == kinds
    assert {"pod-identity/karpenter", "queue/karpenter"} <= set(deployment.needs)
    assert not set(kinds) & set(deployment.needs)
    assert deployment.awaits == ("node-group/main",)
    affinity = deployment.manifest["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"}]}
    assert {"controller/karpenter/deployment", "role/n", *kinds} <= set(steps["node-class-gpu"].needs)
    assert "controller/karpenter/node-class-gpu" in steps["node-pool-gpu"].needs


def test_nodes_on_demand_of_an_ipv6_cluster_are_nitro_instances() -> None:
    made = {one.name: one for one in karpenter(FACTS, AROUND, POOLS, PoolNetwork("demo", ipv6=True))}
    spec = made["controller/karpenter/node-pool-gpu"].manifest["spec"]["template"]["spec"]
    asked = {one["key"]: one["values"] for one in spec["requirements"]}
    assert asked["karpenter.k8s.aws/instance-hypervisor"] == ["nitro"]
    assert asked["karpenter.k8s.aws/instance-family"] == ["g6"]


def test_a_pool_says_what_may_be_launched_and_how_much() -> None:
    spec = node_pool("gpu")
    nodes = spec["template"]["spec"]
    asked = {one["key"]: (one["operator"], one["values"]) for one in nodes["requirements"]}
    assert asked == {
        "karpenter.k8s.aws/instance-family": ("In", ["g6"]),
        "karpenter.sh/capacity-type": ("In", ["spot", "on-demand"]),
        "topology.k8s.aws/zone-id": ("In", ["usw2-az1"]),
    }
    assert spec["limits"] == {"cpu": "100", "memory": "64Gi", "nvidia.com/gpu": "4"}
    assert nodes["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert (nodes["expireAfter"], nodes["terminationGracePeriod"]) == ("Never", "600s")
    assert spec["template"]["metadata"] == {"labels": {"team": "llm"}}
    assert node_pool("sealed")["disruption"] == {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"}
    everyday = {one["key"] for one in node_pool("everyday")["template"]["spec"]["requirements"]}
    assert {"karpenter.k8s.aws/instance-category", "karpenter.k8s.aws/instance-generation"} < everyday


def test_nodes_of_a_pool_are_found_by_tags_and_encrypted() -> None:
    spec = manifest("controller/karpenter/node-class-sealed")["spec"]
    assert spec["amiSelectorTerms"] == [{"alias": "bottlerocket@latest"}]
    assert spec["subnetSelectorTerms"] == [{"tags": {"eksprov:stack": "demo", "kubernetes.io/role/internal-elb": "1"}}]
    assert spec["securityGroupSelectorTerms"] == [{"tags": {"aws:eks:cluster-name": "demo"}}]
    disks = {one["deviceName"]: one["ebs"] for one in spec["blockDeviceMappings"]}
    assert {name: disk["volumeSize"] for name, disk in disks.items()} == {"/dev/xvda": "4Gi", "/dev/xvdb": "50Gi"}
    assert all(disk["encrypted"] for disk in disks.values())
    assert spec["metadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": 1}
    theirs = karpenter(FACTS, AROUND, POOLS[:1], PoolNetwork("r", ("subnet-1", "subnet-2"), (("team", "ml"),)))
    [own] = [step.manifest["spec"] for step in theirs if "/node-class-" in step.name]
    assert own["subnetSelectorTerms"] == [{"id": "subnet-1"}, {"id": "subnet-2"}]
    assert own["tags"] == {"team": "ml"}


def test_a_device_plugin_runs_on_pools_too() -> None:
    (daemon,) = device_plugin(FACTS, "nvidia", (), ("gpu",))
    not_auto = {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["auto"]}
    spec = daemon.manifest["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    assert spec["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == [
        {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["gpu"]}, not_auto]}
    ]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-west-2", "602401143452.dkr.ecr.us-west-2.amazonaws.com"),
        ("eu-south-1", "590381155156.dkr.ecr.eu-south-1.amazonaws.com"),
        ("us-gov-west-1", "013241004608.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "918309763551.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "877088126301.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_efa_plugin_comes_from_the_regions_own_registry(region: str, host: str) -> None:
    (daemon,) = device_plugin(replace(FACTS, region=region), "efa", ("p5.48xlarge",))
    (container,) = daemon.manifest["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith(f"{host}/eks/aws-efa-k8s-device-plugin:v")
