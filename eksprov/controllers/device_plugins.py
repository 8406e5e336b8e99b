"""Device plugins: without them the kubelet offers no GPU, Neuron or EFA device to pods. Pure.

EKS's AL2023 images for accelerated instances carry drivers and container toolkit but no device plugin; Bottlerocket's
bring NVIDIA's alone, Auto Mode's all of them
(https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-k8s-device-plugin.html,
https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html). A plugin
registers with the kubelet through a socket in a folder of the node, so it needs a hostPath volume, which the Pod
Security standard "restricted" forbids; everything else of that standard it keeps, but for running as root, which the
socket's folder demands; EFA's is privileged, too, as its chart has it.

The DaemonSets follow those that NVIDIA and AWS publish, at these versions:
https://github.com/NVIDIA/k8s-device-plugin/blob/v0.20.0/deployments/static/nvidia-device-plugin.yml,
https://github.com/aws-neuron/aws-neuron-sdk/blob/master/src/k8/k8s-neuron-device-plugin.yml and
https://github.com/aws/eks-charts/tree/master/stable/aws-efa-k8s-device-plugin (chart v0.5.30). They run on nodes of
these instance types alone, and on none of Auto Mode's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from eksprov.controllers.objects import POOL
from eksprov.controllers.parts import ControllerFacts, account, as_steps, cluster_rights, labels, meta, rule, selector
from eksprov.controllers.registries import eks_registry
from eksprov.kube.objects import KubeObject

Device = Literal["nvidia", "neuron", "efa"]
SOCKETS: Final = "/var/lib/kubelet/device-plugins"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
COMPUTE_TYPE: Final = "eks.amazonaws.com/compute-type"


@dataclass(frozen=True)
class Plugin:
    """A device plugin: `resource` is what it offers to pods and what taints of such nodes are called.

    `{registry}` in `image` stands for EKS's own registry in the region.
    """

    name: str
    image: str
    resource: str


PLUGINS: Final[Mapping[str, Plugin]] = {
    "nvidia": Plugin("nvidia-device-plugin", "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", "nvidia.com/gpu"),
    # The version that AWS's own manifest names, see above.
    "neuron": Plugin(
        "neuron-device-plugin", "public.ecr.aws/neuron/neuron-device-plugin:2.22.4.0", "aws.amazon.com/neuron"
    ),
    "efa": Plugin("efa-device-plugin", "{registry}/eks/aws-efa-k8s-device-plugin:v0.5.20", "vpc.amazonaws.com/efa"),
}


def device_plugin(
    facts: ControllerFacts, device: Device, instance_types: tuple[str, ...], pools: tuple[str, ...] = ()
) -> tuple[KubeObject, ...]:
    """The plugin's steps for nodes of these types, and for those that Karpenter launches for these pools."""
    plugin = PLUGINS[device]
    only = {INSTANCE_TYPE: instance_types, POOL: pools}
    terms = [_term(key, values) for key, values in only.items() if values]
    daemon = _daemon_set(facts, plugin, {"nodeSelectorTerms": terms})
    if device == "efa":
        _give_efa_its_devices(daemon)
    if device != "neuron":
        daemon["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
        return as_steps(facts, plugin.name, {"daemon-set": daemon})
    _give_neuron_its_rights(daemon)
    rules = [  # it marks pods with the devices they were given, and nodes with what failed
        rule("core", "nodes", "get list watch"),
        rule("core", "events", "create patch"),
        rule("core", "pods", "update patch get list watch"),
        rule("core", "nodes/status", "patch update"),
    ]
    parts = {
        "service-account": account(facts, plugin.name),
        **cluster_rights(facts, plugin.name, rules),
        "daemon-set": daemon,
    }
    return as_steps(facts, plugin.name, parts, {"daemon-set": [part for part in parts if part != "daemon-set"]})


def _term(key: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Nodes with one of these values, whose plugins EKS Auto Mode does not bring already."""
    chosen = {"key": key, "operator": "In", "values": sorted(values)}
    return {"matchExpressions": [chosen, {"key": COMPUTE_TYPE, "operator": "NotIn", "values": ["auto"]}]}


def _daemon_set(facts: ControllerFacts, plugin: Plugin, nodes: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": meta(facts, plugin.name),
        "spec": {
            "selector": {"matchLabels": selector(facts, plugin.name)},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": labels(facts, plugin.name)},
                "spec": {
                    "priorityClassName": "system-node-critical",
                    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": nodes}},
                    # Whatever keeps other pods away: without the plugin such a node is of no use.
                    "tolerations": [{"operator": "Exists"}],
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [_container(facts, plugin)],
                    "volumes": [{"name": "sockets", "hostPath": {"path": SOCKETS, "type": "Directory"}}],
                },
            },
        },
    }


def _container(facts: ControllerFacts, plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "image": plugin.image.format(registry=eks_registry(facts.region)),
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "sockets", "mountPath": SOCKETS}],
    }


def _give_neuron_its_rights(daemon: dict[str, Any]) -> None:
    """The Neuron plugin asks the API server about its node, and reads what the runtime leaves in /run."""
    pod = daemon["spec"]["template"]["spec"]
    pod["serviceAccountName"] = PLUGINS["neuron"].name
    pod["volumes"].append({"name": "run", "hostPath": {"path": "/run", "type": "Directory"}})
    container = pod["containers"][0]
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}
    kubelet = {"name": "KUBECONFIG", "value": "/etc/kubernetes/kubelet.conf"}
    container["env"] = [kubelet, {"name": "NODE_NAME", "valueFrom": field}]
    container["volumeMounts"].append({"name": "run", "mountPath": "/run"})


def _give_efa_its_devices(daemon: dict[str, Any]) -> None:
    """The EFA plugin looks for the interfaces' devices in the node's /dev/infiniband, on the node's own network."""
    pod = daemon["spec"]["template"]["spec"]
    pod["hostNetwork"] = True
    container = pod["containers"][0]
    container["securityContext"] = {"privileged": True, "runAsUser": 0, "runAsNonRoot": False}
    for name, path, kind in (
        ("devices", "/dev/infiniband", ""),
        ("neuron-tools", "/opt/aws/neuron", "DirectoryOrCreate"),
    ):
        pod["volumes"].append({"name": name, "hostPath": {"path": path, "type": kind}})
        container["volumeMounts"].append({"name": name, "mountPath": path})
