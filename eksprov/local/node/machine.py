"""Pure: the Node object, its status and its lease, as EKS's kubelet writes them for an EC2 instance.

What a node offers to pods is less than what the instance has; the reservations are those of EKS's own node
images (https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go).
"""

from __future__ import annotations

from datetime import datetime

from eksprov import __version__
from eksprov.local.contract import Json, NodeSpec
from eksprov.local.node.events import timestamp
from eksprov.local.node.network import KUBELET_PORT

GPU = "nvidia.com/gpu"
NEURON = "aws.amazon.com/neuron"
EFA = "vpc.amazonaws.com/efa"
DEVICES = {"nvidia": GPU, "neuron": NEURON, "efa": EFA}
LEASE_S = 40
NAMESPACE_OF_LEASES = "kube-node-lease"
NOT_READY_MESSAGE = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def reserved_millicpus(vcpus: int) -> int:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of all others."""
    shares = (60.0, 10.0, 5.0, 5.0)
    return int(sum(shares[:vcpus]) + 2.5 * max(0, vcpus - len(shares)))


def reserved_memory_mib(max_pods: int) -> int:
    """kube-reserved (255 MiB and 11 MiB a pod) and the hard eviction threshold of 100 MiB."""
    return 255 + 11 * max_pods + 100


def capacity(spec: NodeSpec, plugins: frozenset[str]) -> Json:
    """What the instance has; devices count once their plugin runs (`plugins`: keys of DEVICES)."""
    amounts = {
        "cpu": str(spec.vcpus),
        "memory": f"{spec.memory_mib * 1024}Ki",
        "ephemeral-storage": f"{spec.disk_gib * 1024 * 1024}Ki",
        "pods": str(spec.max_pods),
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
    }
    there = {"nvidia": spec.gpus, "neuron": spec.neuron_devices, "efa": spec.efa_interfaces}
    return amounts | {DEVICES[kind]: str(many) for kind, many in there.items() if many and kind in plugins}


def allocatable(spec: NodeSpec, plugins: frozenset[str]) -> Json:
    """What pods may ask for: capacity without the reservations."""
    millicpus = spec.vcpus * 1000 - reserved_millicpus(spec.vcpus)
    memory_mib = max(0, spec.memory_mib - reserved_memory_mib(spec.max_pods))
    # 1 GiB is reserved for the system and 10 % is the eviction threshold.
    disk_bytes = max(0, int(spec.disk_gib * 0.9 * 2**30) - 2**30)
    return capacity(spec, plugins) | {
        "cpu": f"{millicpus}m",
        "memory": f"{memory_mib * 1024}Ki",
        "ephemeral-storage": str(disk_bytes),
    }


def labels(spec: NodeSpec) -> dict[str, str]:
    """The labels of its node group or pool, and those that the kubelet and the cloud provider set."""
    hostname = spec.name
    group = {"eks.amazonaws.com/nodegroup": spec.nodegroup} if spec.nodegroup else {}
    own = {
        "kubernetes.io/arch": spec.architecture,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": hostname,
        "beta.kubernetes.io/arch": spec.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/instance-type": spec.instance_type,
        "node.kubernetes.io/instance-type": spec.instance_type,
        "topology.kubernetes.io/region": spec.region,
        "topology.kubernetes.io/zone": spec.zone,
        "failure-domain.beta.kubernetes.io/region": spec.region,
        "failure-domain.beta.kubernetes.io/zone": spec.zone,
        **group,
    }
    usual = {"eks.amazonaws.com/capacityType": "ON_DEMAND"} if spec.nodegroup else {}
    return {**usual, **spec.labels, **own}


def node(spec: NodeSpec) -> Json:
    """The Node as it registers; the API server adds the not-ready taint by itself."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": labels(spec),
            "annotations": {"eksprov.dev/local": "this node runs pods as processes of the local world"},
        },
        "spec": {"providerID": spec.provider_id, "taints": [dict(taint) for taint in spec.taints]},
    }


def status(spec: NodeSpec, version: str, ready: bool, plugins: frozenset[str], now: datetime) -> Json:
    """The node's status; `version` is the kubelet's ("v1.36.3")."""
    return {
        "capacity": capacity(spec, plugins),
        "allocatable": allocatable(spec, plugins),
        "conditions": conditions(ready, now),
        "addresses": [
            {"type": "InternalIP", "address": spec.private_ip},
            {"type": "InternalDNS", "address": spec.name},
            {"type": "Hostname", "address": spec.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": KUBELET_PORT}},
        "nodeInfo": _info(spec, version),
    }


def conditions(ready: bool, now: datetime) -> list[Json]:
    """All of a healthy node's conditions; Ready waits for the CNI, as on EKS."""
    at = timestamp(now)
    pressures = [
        {"type": name, "status": "False", "reason": reason, "message": message} for name, reason, message in _PRESSURES
    ]
    readiness = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "reason": "KubeletReady" if ready else "KubeletNotReady",
        "message": "kubelet is posting ready status" if ready else NOT_READY_MESSAGE,
    }
    return [{**one, "lastHeartbeatTime": at, "lastTransitionTime": at} for one in (*pressures, readiness)]


def lease(spec: NodeSpec, now: datetime) -> Json:
    """The lease that tells the node is alive; renewed every 10 s, valid for 40 s."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": spec.name, "namespace": NAMESPACE_OF_LEASES},
        "spec": {
            "holderIdentity": spec.name,
            "leaseDurationSeconds": LEASE_S,
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }


def _info(spec: NodeSpec, version: str) -> Json:
    return {
        "architecture": spec.architecture,
        "operatingSystem": "linux",
        "osImage": "eksprov local world (no operating system of its own)",
        "kernelVersion": "of this machine",
        "kubeletVersion": version,
        "kubeProxyVersion": "",
        "containerRuntimeVersion": f"eksprov://{__version__}",
        "machineID": spec.instance_id,
        "systemUUID": spec.instance_id,
        "bootID": spec.instance_id,
    }
