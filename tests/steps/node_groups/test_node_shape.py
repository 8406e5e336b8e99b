"""From EC2's own description of instance types to image, plugin, taint, disk and update strategy."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from moto.ec2.models.instance_types import INSTANCE_TYPES

from eksprov.config.schema import NodeGroup, NodePool, Taint
from eksprov.config.schema.nodes import AmiType
from eksprov.core.change import UNKNOWN
from eksprov.steps.node_groups.instances import accelerator, as_text, from_text, read
from eksprov.steps.node_groups.shape import NodeShape, derive, derive_pool

KNOWN = {
    name: read(INSTANCE_TYPES[name])
    for name in [
        "c5n.18xlarge",
        "g4dn.xlarge",
        "g5.xlarge",
        "g5g.xlarge",
        "g6.xlarge",
        "g6f.large",
        "hpc7g.4xlarge",
        "inf1.xlarge",
        "inf2.xlarge",
        "m7i.large",
        "m8g.large",
        "p4d.24xlarge",
        "p5.48xlarge",
        "p6-b200.48xlarge",
        "trn1.32xlarge",
        "trn2.48xlarge",
    ]
}


def shape(*types: str, **keys: Any) -> NodeShape:
    return derive(NodeGroup(name="g", instance_types=types, **keys), KNOWN)


@pytest.mark.parametrize(
    ("types", "image", "device"),
    [
        (("m7i.large", "c5n.18xlarge"), "AL2023_x86_64_STANDARD", ""),
        (("m8g.large", "hpc7g.4xlarge"), "AL2023_ARM_64_STANDARD", ""),
        (("g5.xlarge", "g6.xlarge", "g4dn.xlarge", "g6f.large"), "AL2023_x86_64_NVIDIA", "nvidia"),
        (("p4d.24xlarge", "p5.48xlarge", "p6-b200.48xlarge"), "AL2023_x86_64_NVIDIA", "nvidia"),
        (("g5g.xlarge",), "AL2023_ARM_64_NVIDIA", "nvidia"),
        (("inf1.xlarge", "inf2.xlarge", "trn1.32xlarge", "trn2.48xlarge"), "AL2023_x86_64_NEURON", "neuron"),
    ],
)
def test_image_and_device_follow_from_what_ec2_says(types: tuple[str, ...], image: str, device: str) -> None:
    found = shape(*types)
    assert (found.ami_type, found.accelerator, found.plugin, found.problem) == (image, device, device, "")
    assert accelerator(KNOWN[name] for name in types) == device
    assert found.update_strategy == ("MINIMAL" if device else "DEFAULT")
    assert (found.disk_gib, found.throughput_mib) == ((200, 500) if device else (50, 125))
    wanted = {"nvidia": ("nvidia.com/gpu",), "neuron": ("aws.amazon.com/neuron",), "": ()}[device]
    assert tuple(key for key, _, _ in found.taints) == wanted


def test_the_configs_own_words_win() -> None:
    own = Taint(key="nvidia.com/gpu", value="mine", effect="NO_EXECUTE")
    found = shape("g5.xlarge", taints=(own,), disk_size_gib=30, disk_throughput_mib=200, update_strategy="DEFAULT")
    assert found.taints == (("nvidia.com/gpu", "mine", "NO_EXECUTE"),)
    assert (found.disk_gib, found.throughput_mib, found.update_strategy) == (30, 200, "DEFAULT")
    assert shape("g5.xlarge", accelerator_taint=False).taints == ()


# Image and plugin to install, by operating system and instance type:
# https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html (which image has which driver),
# https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-k8s-device-plugin.html (which image lacks which plugin). No
# instance type has Arm cores and Neuron devices.
SYSTEMS = {
    ("al2023", "m7i.large"): ("AL2023_x86_64_STANDARD", ""),
    ("al2023", "m8g.large"): ("AL2023_ARM_64_STANDARD", ""),
    ("al2023", "g5.xlarge"): ("AL2023_x86_64_NVIDIA", "nvidia"),
    ("al2023", "g5g.xlarge"): ("AL2023_ARM_64_NVIDIA", "nvidia"),
    ("al2023", "inf2.xlarge"): ("AL2023_x86_64_NEURON", "neuron"),
    ("bottlerocket", "m7i.large"): ("BOTTLEROCKET_x86_64", ""),
    ("bottlerocket", "m8g.large"): ("BOTTLEROCKET_ARM_64", ""),
    ("bottlerocket", "g5.xlarge"): ("BOTTLEROCKET_x86_64_NVIDIA", ""),
    ("bottlerocket", "g5g.xlarge"): ("BOTTLEROCKET_ARM_64_NVIDIA", ""),
    ("bottlerocket", "inf2.xlarge"): ("BOTTLEROCKET_x86_64", "neuron"),
}


@pytest.mark.parametrize(("family", "instance"), SYSTEMS)
def test_each_system_has_the_image_with_the_driver_and_the_plugin_that_the_image_lacks(
    family: Any, instance: str
) -> None:
    found = shape(instance, ami_family=family)
    assert (found.ami_type, found.plugin, found.problem) == (*SYSTEMS[family, instance], "")
    pool = derive_pool(NodePool(name="p", ami_family=family, instance_types=(instance,)), KNOWN)
    assert (pool.plugin, pool.accelerator) == (found.plugin, found.accelerator)


@pytest.mark.parametrize("ami_type", get_args(AmiType))
def test_an_image_by_name_has_a_plugin_installed_just_where_it_has_the_driver_and_not_the_plugin(ami_type: str) -> None:
    architecture = "arm" if "ARM_64" in ami_type else "x86"
    nvidia = shape({"arm": "g5g.xlarge", "x86": "g5.xlarge"}[architecture], ami_type=ami_type)
    neuron = shape("inf2.xlarge", ami_type=ami_type)
    bottlerocket = ami_type.startswith("BOTTLEROCKET")
    assert nvidia.family == neuron.family == ("bottlerocket" if bottlerocket else "al2023")
    assert nvidia.plugin == ("nvidia" if "NVIDIA" in ami_type and not bottlerocket else "")
    plain = ami_type in ("BOTTLEROCKET_x86_64", "BOTTLEROCKET_x86_64_FIPS")
    assert neuron.plugin == ("neuron" if "NEURON" in ami_type or plain else "")


@pytest.mark.parametrize(
    ("types", "keys", "said"),
    [
        (("m7i.large", "m8g.large"), {}, "different architectures"),
        (("m7i.large", "g5.xlarge"), {}, "different accelerators"),
        (("g5.xlarge", "inf2.xlarge"), {}, "different accelerators"),
        (("g5.xlarge", "g99.xlarge"), {}, "does not know g99.xlarge"),
        (("inf2.xlarge",), {"ami_type": "BOTTLEROCKET_x86_64_NVIDIA"}, "nvidia devices, which inf2.xlarge does not"),
        (("g5g.xlarge",), {"ami_type": "AL2023_x86_64_NVIDIA"}, "is for x86_64, but g5g.xlarge is arm64"),
        (("m7i.large",), {"ami_type": "AL2023_x86_64_NVIDIA"}, "nvidia devices, which m7i.large does not have"),
        (("g5.xlarge",), {"efa": True}, "g5.xlarge cannot have EFA"),
        (("g5.xlarge",), {"capacity_type": "CAPACITY_BLOCK"}, "cannot be had as a capacity block"),
        (("hpc7g.4xlarge",), {"capacity_type": "SPOT"}, "cannot be had as SPOT"),
        (("m7i.large",), {"local_storage": "raid0"}, "no local disks"),
    ],
)
def test_what_would_fail_late_is_said_in_words(types: tuple[str, ...], keys: dict[str, Any], said: str) -> None:
    assert said in shape(*types, **keys).problem


def test_efa_interfaces_are_as_many_as_every_type_has() -> None:
    assert shape("p5.48xlarge", efa=True).efa_interfaces == 32
    assert shape("p5.48xlarge", "p4d.24xlarge", efa=True).efa_interfaces == 4
    assert shape("p5.48xlarge").efa_interfaces == 0
    assert shape("p5.48xlarge").plugins == ("nvidia",)
    assert shape("p5.48xlarge", efa=True).plugins == ("nvidia", "efa")
    assert shape("p5.48xlarge", efa=True, ami_family="bottlerocket").plugins == ("efa",)  # brings none of its own


def test_types_that_were_never_asked_for_are_no_problem_yet() -> None:
    found = derive(NodeGroup(name="g", instance_types=("g5.xlarge",)), {})
    assert (found.ami_type, found.problem) == (UNKNOWN, "")


def test_facts_survive_the_record_and_other_forms_are_asked_for_anew() -> None:
    assert from_text(as_text(KNOWN.values())) == KNOWN
    for damaged in ("", "{", "[1]", '[["only-a-name"]]', '{"a": 1}'):
        assert from_text(damaged) == {}, damaged


def test_every_type_that_ec2_has_can_be_read() -> None:
    facts = [read(described) for described in INSTANCE_TYPES.values()]
    assert {one.architecture for one in facts} <= {"x86_64", "arm64", ""}
    assert {one.accelerator for one in facts} == {"nvidia", "neuron", ""}
