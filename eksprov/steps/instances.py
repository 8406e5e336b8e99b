"""From instance types to the image that EKS should boot on them.

What a type has (architecture, GPUs, Neuron devices) is asked of EC2, never kept in a list here. The images:
https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html#AmazonEKS-Type-Nodegroup-amiType
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.steps.absent import unless

AMI_TYPES = {
    ("x86_64", ""): "AL2023_x86_64_STANDARD",
    ("arm64", ""): "AL2023_ARM_64_STANDARD",
    ("x86_64", "nvidia"): "AL2023_x86_64_NVIDIA",
    ("arm64", "nvidia"): "AL2023_ARM_64_NVIDIA",
    ("x86_64", "neuron"): "AL2023_x86_64_NEURON",
}


def ami_type(aws: Aws, group: str, instance_types: tuple[str, ...]) -> str:
    """The image for all of the types. Raises: ProvisioningError when they need different ones, or one is unknown."""
    answer = unless(
        lambda: aws.clients.ec2.describe_instance_types(InstanceTypes=list(instance_types)),  # type: ignore[arg-type]  # the stubs' list of types is older than EC2's
        "InvalidInstanceType",
    )
    if answer is None:
        raise errors.ProvisioningError(
            f"{group}: EC2 does not know every one of these instance types here: {', '.join(instance_types)}",
            f"`aws ec2 describe-instance-type-offerings --region {aws.region}` lists what the region has",
        )
    wanted = {found["InstanceType"]: _image(found) for found in answer["InstanceTypes"]}
    if len(set(wanted.values())) == 1 and None not in wanted.values():
        return str(next(iter(wanted.values())))
    images = ", ".join(f"{name}: {image or 'none'}" for name, image in sorted(wanted.items()))
    raise errors.ProvisioningError(
        f"{group}: its instance types do not share one EKS image ({images})",
        "give each kind of instance a node group of its own",
    )


def _image(found: Mapping[str, Any]) -> str | None:
    architectures = found.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    architecture = next((name for name in ("x86_64", "arm64") if name in architectures), "")
    makers = {gpu.get("Manufacturer", "").lower() for gpu in found.get("GpuInfo", {}).get("Gpus", [])}
    chips = found.get("InferenceAcceleratorInfo", {}).get("Accelerators", [])
    accelerator = ""
    if "nvidia" in makers:
        accelerator = "nvidia"
    elif found.get("NeuronInfo") or any(chip.get("Manufacturer") == "AWS" for chip in chips):
        accelerator = "neuron"
    return AMI_TYPES.get((architecture, accelerator))
