"""Instance types as nodes see them: what EC2 says of a type, and what is a node's of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eksprov.local.contract import InstanceKind

MANY_CORES = 30
MAX_PODS, MAX_PODS_MANY_CORES = 110, 250


def kind_of(details: Mapping[str, Any]) -> InstanceKind:
    """A type as DescribeInstanceTypes has it; only NVIDIA's GPUs count, for only these have a device plugin here."""
    gpus = [gpu for gpu in details.get("GpuInfo", {}).get("Gpus", []) if gpu.get("Manufacturer") == "NVIDIA"]
    vcpus = details["VCpuInfo"]["DefaultVCpus"]
    return InstanceKind(
        name=details["InstanceType"],
        architecture="arm64" if "arm64" in details["ProcessorInfo"]["SupportedArchitectures"] else "amd64",
        vcpus=vcpus,
        memory_mib=details["MemoryInfo"]["SizeInMiB"],
        max_pods=_max_pods(details["NetworkInfo"], vcpus),
        gpus=sum(gpu.get("Count", 0) for gpu in gpus),
        gpu_name=str(gpus[0].get("Name", "")).lower() if gpus else "",
        neuron_devices=sum(d.get("Count", 0) for d in details.get("NeuronInfo", {}).get("NeuronDevices", [])),
        hypervisor=details.get("Hypervisor", ""),
    )


def _max_pods(network: Mapping[str, Any], vcpus: int) -> int:
    """How many pods fit: by addresses of the network interfaces, at most 110, or 250 from 30 cores on.

    https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html
    """
    by_address = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    return int(min(by_address, MAX_PODS if vcpus < MANY_CORES else MAX_PODS_MANY_CORES))
