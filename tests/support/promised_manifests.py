"""Every object that eksprov makes in clusters, in each variant of it, by the names that `promises` has for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from eksprov.config.schema import NodePool
from eksprov.controllers.auto_mode import network_policies
from eksprov.controllers.cluster_autoscaler import cluster_autoscaler
from eksprov.controllers.device_plugins import device_plugin
from eksprov.controllers.karpenter import Around, karpenter
from eksprov.controllers.karpenter_pools import KarpenterPool, PoolNetwork
from eksprov.controllers.parts import ControllerFacts
from eksprov.kube.objects import KubeObject
from eksprov.serving import manifests
from eksprov.serving.spec import ModelSpec
from support.samples import STACK, spec

Objects = Mapping[str, Mapping[str, Any]]
SIX = replace(STACK, ipv6=True, subnet_cidrs=(*STACK.subnet_cidrs, "2001:db8:0:1::/64"))
MODELS: Mapping[str, ModelSpec] = {
    "usual": spec(),
    "large": spec(
        size_bytes=40 * 2**30, replicas={"min": 3, "max": 9}, cpu=2.25, memory_mib=8192, startup_timeout_s=7200,
        target_cpu_percent=50, namespace="ml",
    ),
    "fixed number of replicas": spec(replicas={"min": 2, "max": 2}),
    "slow predictions": spec(predict_timeout_s=300),
    "quick predictions": spec(predict_timeout_s=5),
    "no draining": spec(drain_s=0),
    "IPv6": spec(stack=SIX),
}  # fmt: skip

FACTS = ControllerFacts("demo", "id-1", "demo", "us-west-2", "1.36", ("cluster",))
AROUND = Around("demo-karpenter", replicas=2)
USUAL_POOL = KarpenterPool(NodePool(name="usual"), (), 50)
FULL_POOL = KarpenterPool(
    NodePool(
        name="full", instance_families=("g6",), capacity_types=("SPOT", "ON_DEMAND"), zone_ids=("usw2-az1",),
        gpu_limit=4, memory_limit_gib=64, drain_limit_s=600, expire_after_hours=None, labels={"team": "llm"}, weight=5,
        metadata_hop_limit=2,
    ),
    (("nvidia.com/gpu", "present", "NO_SCHEDULE"),),
    200,
)  # fmt: skip
SEALED_POOL = KarpenterPool(
    NodePool(name="sealed", instance_types=("inf2.xlarge",), ami_family="bottlerocket", consolidation="Never"), (), 50
)
POOLS = (USUAL_POOL, FULL_POOL, SEALED_POOL)
NODES = PoolNetwork("demo-karpenter-node")


def models() -> dict[str, Objects]:
    """By variant."""
    return {variant: of_model(one) for variant, one in MODELS.items()}


def of_model(one: ModelSpec) -> dict[str, Mapping[str, Any]]:
    every = {**manifests.shared(one.namespace, one.stack), **manifests.of_model(one)}
    return {step.rsplit("/", 1)[-1]: manifest for step, manifest in every.items()}


def controllers() -> dict[str, Objects]:
    """By variant; a variant holds those objects alone that may differ in it."""
    alone = network_policies(FACTS, auto_mode=True, cni=False, recorded=())
    ours = PoolNetwork("demo-karpenter-node", ("subnet-1", "subnet-2"), (("team", "ml"),), ipv6=True)
    return {
        "usual": named(
            *device_plugin(FACTS, "nvidia", ("g5.xlarge", "p5.48xlarge")),
            *device_plugin(FACTS, "neuron", ("inf2.xlarge",)),
            *device_plugin(FACTS, "efa", ("p5.48xlarge",)),
            *cluster_autoscaler(FACTS, (), ()),
            *karpenter(FACTS, AROUND, POOLS, NODES),
            *alone,
        ),
        "pools alone": named(
            *device_plugin(FACTS, "nvidia", (), ("full",)), *device_plugin(FACTS, "neuron", (), ("full",))
        ),
        "another VPC, IPv6 and tags": named(*karpenter(FACTS, AROUND, POOLS, ours)),
        "one node": named(*karpenter(FACTS, replace(AROUND, replicas=1), POOLS, NODES)),
    }


def named(*steps: KubeObject) -> dict[str, Mapping[str, Any]]:
    return {name_of(step.name): step.manifest for step in steps}


def name_of(step: str) -> str:
    return step.removeprefix("controller/")


def steps_named(steps: Iterable[Any]) -> set[str]:
    """The names of a stack's controllers' objects, whatever its pools are called."""
    names = {name_of(step.name) for step in steps if step.world == "kube" and step.name.startswith("controller/")}
    return {without_pool(name) for name in names}


def without_pool(name: str) -> str:
    """A pool's objects are of two sorts."""
    return next((sort for sort in ("karpenter/node-pool-", "karpenter/node-class-") if name.startswith(sort)), name)
