"""What eksprov installs in a cluster, as manifests: pure, pinned, and confined as far as their work allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.pod_security import violations

from eksprov.controllers.cluster_autoscaler import RELEASES, cluster_autoscaler, image
from eksprov.controllers.device_plugins import PLUGINS, device_plugin
from eksprov.controllers.parts import Facts
from eksprov.kube.objects import KubeObject, owner_of
from eksprov.local.node import images
from eksprov.local.node.standins import StandIn

FACTS = Facts("demo", "id-1", "demo", "us-west-2", "1.36", ("cluster", "access-entry/me"))
ALL: tuple[KubeObject, ...] = (
    *device_plugin(FACTS, "nvidia", ("g5.xlarge", "p5.48xlarge")),
    *device_plugin(FACTS, "neuron", ("inf2.xlarge",)),
    *cluster_autoscaler(FACTS, ("pod-identity/cluster-autoscaler",), ("node-group/main",)),
)


def pods(some: tuple[KubeObject, ...] = ALL) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for step in some:
        if template := step.manifest.get("spec", {}).get("template"):
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
            assert re.search(r":v?\d+\.\d+\.\d+(\.\d+)?$", container["image"]), name
            assert isinstance(images.recognise(container["image"]), StandIn), name
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
        "controller/cluster-autoscaler/deployment": [],
    }


def test_a_device_plugin_runs_on_nodes_of_its_types_whatever_taints_they_have() -> None:
    spec = manifest("controller/nvidia-device-plugin/daemon-set")["spec"]["template"]["spec"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [
        {
            "matchExpressions": [
                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.xlarge", "p5.48xlarge"]}
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
