"""What the two halves of the local world ask of one another: data and two protocols, nothing that runs.

The AWS half (`local/aws`) implements `AwsSide` and calls a `KubernetesSide`; the Kubernetes half (`local/hub.py`,
over `local/controlplane` and `local/node`) implements `KubernetesSide` and calls an `AwsSide`. Tests of one half
bring a few lines in place of the other.

Every `KubernetesSide` method returns at once: slow work goes on in the background and is seen through
`cluster_status`, `node_ready` and `addon_health`. All may be called again with the same arguments without effect.
`cluster_arn` names a cluster everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Json = dict[str, Any]  # an object of Kubernetes or of an API, as JSON has it


@dataclass(frozen=True)
class Product:
    """A price that the local AWS lists: `attributes` of its kind, `usage_type` without the region's prefix, `usd` for
    one `unit` in AWS's spelling ("Hrs", "GB-Mo"), as `source` said on the day `as_of`."""

    service: str
    region: str
    attributes: Mapping[str, str]
    usage_type: str
    unit: str
    usd: str
    as_of: str
    source: str


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster to be started: `version` is "1.36", `service_cidr` of either family, `oidc_issuer` an https URL.

    `subnet_cidrs` are IPv4 ranges, which nodes are found by; `pod_cidrs` the IPv6 ranges of the same subnets, in the
    same order, where pods have such addresses.
    """

    arn: str
    name: str
    version: str
    service_cidr: str
    oidc_issuer: str
    subnet_cidrs: tuple[str, ...] = ()
    pod_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterStatus:
    """`endpoint` (https://127.0.0.1:port) and `ca_data` (base64 PEM) are set once `state` is "ready".

    `message` says in one line what is going on ("building Kubernetes v1.36.3: 1,204 of 2,531 packages, about
    95 s left") or, when failed, what to do.
    """

    state: Literal["absent", "starting", "ready", "failed"]
    endpoint: str = ""
    ca_data: str = ""
    message: str = ""


@dataclass(frozen=True)
class NodeSpec:
    """One EC2 instance that is to register as a node, of a managed node group unless `nodegroup` is empty.

    `name` is its private DNS name (its id in EKS Auto Mode), `provider_id` "aws:///<zone>/<instance id>". Capacities
    are the instance type's, from DescribeInstanceTypes. `taints` are Kubernetes taints as dicts (key, value, effect).
    A `complete` node brings its CNI, its DNS and its device plugins itself, as those of EKS Auto Mode do; `plugins` are
    the device plugins ("nvidia") that a node's image brings. Devices are those that the image has a driver of.
    """

    name: str
    instance_id: str
    provider_id: str
    private_ip: str
    region: str
    zone: str
    instance_type: str
    architecture: Literal["amd64", "arm64"]
    vcpus: int
    memory_mib: int
    disk_gib: int
    max_pods: int
    nodegroup: str = ""
    complete: bool = False
    gpus: int = 0
    neuron_devices: int = 0
    efa_interfaces: int = 0
    plugins: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()


Manager = Literal["auto", "karpenter"]  # who makes nodes on demand: EKS Auto Mode or Karpenter in the cluster


@dataclass(frozen=True)
class AutoMode:
    """EKS Auto Mode as it is on in a cluster: its built-in pools, and what its default NodeClass says of nodes.

    `trouble` says why the pools are not ready, empty where they are.
    """

    pools: tuple[str, ...]
    role: str
    subnet_ids: tuple[str, ...]
    security_group: str
    trouble: str = ""


@dataclass(frozen=True)
class InstanceKind:
    """An instance type that EC2 has in the region, as far as pods care."""

    name: str
    architecture: Literal["amd64", "arm64"]
    vcpus: int
    memory_mib: int
    max_pods: int
    gpus: int = 0
    gpu_name: str = ""
    neuron_devices: int = 0
    hypervisor: str = "nitro"  # empty: bare metal


@dataclass(frozen=True)
class Offers:
    """What EC2 has in a region: instance types, and the zones by name and id."""

    kinds: tuple[InstanceKind, ...]
    zones: Mapping[str, str]


@dataclass(frozen=True)
class NodeWish:
    """A node that pods need: one of `instance_types`, the first that EC2 has, in one of `zones` (empty: anywhere).

    `claim`, `pool` and `node_class` are the names of the NodeClaim and of what it comes from. `subnets` are a node
    class's terms, each with an `id` or with `tags` ("*" for any value); without terms it is the cluster's subnets.
    `plugins` are as in `NodeSpec`.
    """

    claim: str
    pool: str
    node_class: str
    manager: Manager
    instance_types: tuple[str, ...]
    zones: tuple[str, ...] = ()
    spot: bool = False
    disk_gib: int = 80
    subnets: tuple[Mapping[str, Any], ...] = ()
    plugins: tuple[str, ...] = ()
    instance_tags: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class AddonSpec:
    """An EKS add-on whose objects are to stand in kube-system; `configuration` is the parsed configurationValues."""

    name: str
    version: str
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AddonHealth:
    """Whether the add-on's workloads are available, and if not what they wait for."""

    ready: bool
    message: str = ""


@dataclass(frozen=True)
class Identity:
    """Who an EKS token belongs to: TokenReview's username, uid and groups."""

    username: str
    uid: str
    groups: tuple[str, ...]
    arn: str = ""
    access_key_id: str = ""


@dataclass(frozen=True)
class PodCredentials:
    """Temporary credentials as the pod identity agent hands them to a pod."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str = field(repr=False)
    account_id: str = ""
    expiration: str = ""


class KubernetesSide(Protocol):
    """What AWS asks of Kubernetes."""

    def start_cluster(self, spec: ClusterSpec) -> None: ...

    def cluster_status(self, cluster_arn: str) -> ClusterStatus: ...

    def stop_cluster(self, cluster_arn: str) -> None: ...

    def add_nodes(self, cluster_arn: str, nodes: tuple[NodeSpec, ...]) -> None: ...

    def remove_nodes(self, cluster_arn: str, names: tuple[str, ...]) -> None: ...

    def node_ready(self, cluster_arn: str, name: str) -> bool: ...

    def set_auto_mode(self, cluster_arn: str, wish: AutoMode | None) -> None:
        """Have Auto Mode's pools and make nodes for pods that find none; None takes its pools and nodes away."""
        ...

    def install_addon(self, cluster_arn: str, addon: AddonSpec) -> None: ...

    def remove_addon(self, cluster_arn: str, name: str) -> None: ...

    def addon_health(self, cluster_arn: str, name: str) -> AddonHealth: ...

    def sync_access(self, cluster_arn: str, policies: Mapping[str, str]) -> None:
        """Bind each access-policy group to its ClusterRole (cluster-admin, admin, edit, view), and nothing else.

        "edit" binds in the whole cluster, "edit/team-a" in the namespace team-a, as soon as that exists.
        """
        ...


class AwsSide(Protocol):
    """What Kubernetes asks of AWS."""

    def authenticate(self, cluster_arn: str, token: str) -> Identity | None:
        """The identity behind an EKS token (`k8s-aws-v1.…`), or None where STS or the access entries say no."""
        ...

    def pod_credentials(
        self, cluster_arn: str, namespace: str, service_account: str, pod: str
    ) -> PodCredentials | None:
        """Credentials of the role associated with the service account, or None without an association."""
        ...

    def endpoint_url(self) -> str:
        """Where the local AWS answers, http://127.0.0.1:port."""
        ...

    def offers(self, cluster_arn: str) -> Offers:
        """What EC2 has in the cluster's region."""
        ...

    def launch_node(self, cluster_arn: str, wish: NodeWish) -> NodeSpec | None:
        """An instance that will be a node, or None where EC2 has none; asked again for a claim, the same."""
        ...

    def terminate_node(self, cluster_arn: str, name: str) -> None:
        """End the instance behind a node that was launched on demand."""
        ...
