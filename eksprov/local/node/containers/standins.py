"""What stands in for images, as values: a program in a server's place, a function in the AWS CLI's, else nothing.

Each entry names the image's repository (the end of it, on a `/` boundary, so any registry and mirror prefix fits), the
part it plays and what therefore does not happen. `docs/local-stand-ins.md` is made of this table (a test compares).
Facts about the images: https://github.com/SeldonIO/MLServer/blob/master/Dockerfile (its command is
`mlserver start $MLSERVER_MODELS_DIR`), https://github.com/SeldonIO/MLServer/blob/master/mlserver/settings.py and
https://github.com/aws/aws-cli/blob/v2/docker/Dockerfile (its entrypoint is `aws`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["cni", "nvidia", "neuron", "efa", "karpenter", ""]

ANNOTATION = "eksprov.dev/stand-in"


@dataclass(frozen=True)
class Server:
    """A Python program that serves in the image's place, as a process of this machine.

    `package` must be installed. `program` is a file beside this one, run with the models' folder, the same folder as
    the pod calls it, and a local port for each of `ports`. `command` is what the image is started with, but for the
    folder at its end, which is else the variable `folder_variable` or `folder`. Settings (ports by name, the host) are
    those of the folder's settings.json, else variables that begin with `prefix`.
    """

    package: str
    program: str
    command: tuple[str, ...]
    folder_variable: str
    folder: str
    ports: tuple[tuple[str, int], ...]
    prefix: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Copier:
    """The AWS CLI's `s3 sync` and `s3 cp --recursive`, carried out by the node itself, as the pod."""


@dataclass(frozen=True)
class StandIn:
    """What is done for an image: `role` is what its pods bring about on their node, `missing` what they do not do.

    Where nothing `runs`, its pods turn Ready, and pass all probes, without a process.
    """

    repository: str
    name: str
    missing: str = ""
    role: Role = ""
    runs: Server | Copier | None = None

    @property
    def answers_probes(self) -> bool:
        """Whether something is there that probes can ask."""
        return isinstance(self.runs, Server)


MLSERVER = Server(
    package="mlserver",
    program="model_server.py",
    command=("mlserver", "start"),
    folder_variable="MLSERVER_MODELS_DIR",
    folder="/mnt/models",
    ports=(("http_port", 8080), ("grpc_port", 8081), ("metrics_port", 8082)),
    prefix="MLSERVER_",
    environment={"MLSERVER_PARALLEL_WORKERS": "0"},
)
_CSI = "no volume is provisioned or mounted"
_SIDECAR = "helper container, does nothing"

STAND_INS: tuple[StandIn, ...] = (
    StandIn("mlserver", "MLServer", runs=MLSERVER),
    StandIn("aws-cli", "the AWS CLI", runs=Copier()),
    StandIn("amazon-k8s-cni", "aws-node (VPC CNI)", "no network interfaces; its pod makes the node Ready", "cni"),
    StandIn("amazon-k8s-cni-init", "VPC CNI, init container", "no CNI plugin is copied"),
    StandIn("aws-network-policy-agent", "VPC CNI, network policy agent", "network policies are not enforced"),
    StandIn("amazon/aws-network-policy-agent", "the same, as EKS names it", "network policies are not enforced"),
    StandIn("kube-proxy", "kube-proxy", "no packet rules: services are reached through the API server's proxy"),
    StandIn("coredns", "coredns", "no cluster DNS"),
    StandIn("eks-pod-identity-agent", "EKS Pod Identity agent", "the node agent hands out the credentials"),
    StandIn("metrics-server", "metrics-server", "no metrics.k8s.io: kubectl top and HPAs see no metric"),
    StandIn("aws-ebs-csi-driver", "EBS CSI driver", _CSI),
    StandIn("aws-efs-csi-driver", "EFS CSI driver", _CSI),
    StandIn("aws-mountpoint-s3-csi-driver", "Mountpoint for S3 CSI driver", _CSI),
    StandIn("aws-s3-csi-driver", "Mountpoint for S3 CSI driver", _CSI),
    StandIn("aws-fsx-csi-driver", "FSx CSI driver", _CSI),
    StandIn("csi-attacher", "CSI attacher", _SIDECAR),
    StandIn("csi-provisioner", "CSI provisioner", _SIDECAR),
    StandIn("csi-resizer", "CSI resizer", _SIDECAR),
    StandIn("csi-snapshotter", "CSI snapshotter", _SIDECAR),
    StandIn("csi-node-driver-registrar", "CSI node driver registrar", _SIDECAR),
    StandIn("livenessprobe", "CSI liveness probe", _SIDECAR),
    StandIn("snapshot-controller", "snapshot controller", "no snapshots"),
    StandIn("nvidia/k8s-device-plugin", "NVIDIA device plugin", "no GPU: only the resource on the node", "nvidia"),
    StandIn("eks/nvidia-k8s-device-plugin", "NVIDIA device plugin", "no GPU: only the resource", "nvidia"),
    StandIn("neuron/neuron-device-plugin", "Neuron device plugin", "no device: only the resource", "neuron"),
    StandIn("eks/aws-efa-k8s-device-plugin", "EFA device plugin", "no EFA device: only the resource", "efa"),
    StandIn("nvidia/dcgm-exporter", "DCGM exporter", "no GPU metrics"),
    StandIn("k8s/dcgm-exporter", "DCGM exporter", "no GPU metrics"),
    StandIn("cluster-autoscaler", "Cluster Autoscaler", "node groups are not scaled"),
    StandIn("karpenter/controller", "Karpenter", "the node agent launches and ends nodes in its place", "karpenter"),
    StandIn("aws-load-balancer-controller", "AWS Load Balancer Controller", "no load balancers"),
    StandIn("external-dns", "ExternalDNS", "no DNS records"),
    StandIn("cloudwatch-agent", "CloudWatch agent", "no metrics are sent"),
    StandIn("cloudwatch-agent-operator", "CloudWatch agent operator", "no metrics are sent"),
    StandIn("aws-for-fluent-bit", "Fluent Bit for AWS", "no logs are sent"),
    StandIn("eks-node-monitoring-agent", "EKS node monitoring agent", "no node health checks"),
    StandIn("kube-state-metrics", "kube-state-metrics", "no metrics"),
    StandIn("prometheus-node-exporter", "Prometheus node exporter", "no metrics"),
    StandIn("pause", "pause", "nothing is missing: pause does nothing"),
)


def find(repository: str) -> StandIn | None:
    """The stand-in declared for an image's `repository` (no tag or digest), or None."""
    for stand_in in STAND_INS:
        if repository == stand_in.repository or repository.endswith("/" + stand_in.repository):
            return stand_in
    return None


def table() -> str:
    """Those in whose place nothing runs, as a Markdown table, as it stands in docs/local-stand-ins.md."""
    rows = [f"| {item.name} | `{item.repository}` | {item.missing} |" for item in STAND_INS if item.runs is None]
    return "\n".join(["| what | image repository ends in | what does not happen |", "|---|---|---|", *rows])
