"""The resources of EKS, as they are kept: what Describe shows as `shape`, beside what only we need to know.

Times are seconds of the world's clock. Shapes are dictionaries in the form of the API
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Types.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Shape = dict[str, Any]


def _always() -> bool:
    return True


def _nothing() -> None:
    return None


@dataclass
class Update:
    """A change in the background: due at `due` and once `is_ready`; then `finish` is called once.

    `undo` takes back what was done at once, for an update that ends as failed.
    """

    shape: Shape
    due: float
    nodegroup: str = ""
    addon: str = ""
    is_ready: Callable[[], bool] = _always
    finish: Callable[[], None] = _nothing
    undo: Callable[[], None] = _nothing

    @property
    def running(self) -> bool:
        """Whether it still goes on."""
        return bool(self.shape["status"] == "InProgress")


@dataclass
class FleetNode:
    """One instance of a node group: launched at `launched_at`, and whether Kubernetes was told of it."""

    name: str
    launched_at: float
    version: str
    added: bool = False


@dataclass
class Nodegroup:
    """A managed node group; `changed_at` is when its status last changed."""

    shape: Shape
    changed_at: float
    group_name: str
    template_id: str
    image_id: str
    template_data: Shape = field(default_factory=dict)
    nodes: dict[str, FleetNode] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, unique in the cluster."""
        return str(self.shape["nodegroupName"])

    @property
    def status(self) -> str:
        """CREATING, ACTIVE, UPDATING, DEGRADED, CREATE_FAILED, DELETING."""
        return str(self.shape["status"])


@dataclass
class Addon:
    """An EKS add-on of a cluster, with its version, configuration and state."""

    shape: Shape
    changed_at: float

    @property
    def name(self) -> str:
        """Its name, unique in the cluster."""
        return str(self.shape["addonName"])


@dataclass
class AccessEntry:
    """Who may use a cluster; `policies` maps access policy ARNs to their scope."""

    shape: Shape
    policies: dict[str, Shape] = field(default_factory=dict)
    associated: dict[str, Any] = field(default_factory=dict)
    principal_id: str = ""  # of the role when the entry was made; one made again under its name is another

    @property
    def type(self) -> str:
        """What the entry is for: STANDARD for people, EC2_LINUX and the like for nodes."""
        return str(self.shape["type"])

    @property
    def username(self) -> str:
        """The Kubernetes user, with AWS's placeholders."""
        return str(self.shape["username"])

    @property
    def groups(self) -> list[str]:
        """The Kubernetes groups beside those of the policies."""
        return list(self.shape["kubernetesGroups"])


@dataclass
class Insights:
    """What EKS found when it last looked; `refresh` is the last refresh that was asked for, as the API shows it."""

    found: dict[str, Shape] = field(default_factory=dict)
    looked_at: float = 0.0
    refresh: Shape = field(default_factory=dict)
    refresh_due: float = 0.0


@dataclass
class Association:
    """An EKS Pod Identity association."""

    shape: Shape

    @property
    def namespace(self) -> str:
        """The namespace of the service account."""
        return str(self.shape["namespace"])

    @property
    def service_account(self) -> str:
        return str(self.shape["serviceAccount"])

    @property
    def role_arn(self) -> str:
        """The role its pods get."""
        return str(self.shape["roleArn"])


@dataclass
class Cluster:
    """A cluster with all that belongs to it."""

    shape: Shape
    region: str
    changed_at: float
    interfaces: list[str] = field(default_factory=list)
    bootstrap_addons: bool = False
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    on_demand: dict[str, str] = field(default_factory=dict)  # instances of Auto Mode and Karpenter to their nodes
    addons: dict[str, Addon] = field(default_factory=dict)
    entries: dict[str, AccessEntry] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    others: dict[tuple[str, str], Shape] = field(default_factory=dict)  # of `others.py`, by kind and name
    insights: Insights = field(default_factory=Insights)
    group_stays: bool = False  # its security group is left behind when it goes
    upgraded: tuple[str, float] | None = None  # the version before the last upgrade, and when that was

    @property
    def arn(self) -> str:
        return str(self.shape["arn"])

    @property
    def name(self) -> str:
        """Its name, unique in the region."""
        return str(self.shape["name"])

    @property
    def status(self) -> str:
        """CREATING, ACTIVE, UPDATING, DELETING, FAILED."""
        return str(self.shape["status"])

    @property
    def version(self) -> str:
        return str(self.shape["version"])

    @property
    def security_group(self) -> str:
        """The id of the security group that EKS made for it."""
        return str(self.shape["resourcesVpcConfig"]["clusterSecurityGroupId"])

    def running_update(self, nodegroup: str = "", addon: str = "") -> Update | None:
        """The update that goes on for the cluster itself, one node group or one add-on."""
        wanted = (nodegroup, addon)
        return next((u for u in self.updates.values() if u.running and (u.nodegroup, u.addon) == wanted), None)

    def association(self, namespace: str, service_account: str) -> Association | None:
        """The pod identity association of a service account."""
        wanted = (namespace, service_account)
        return next((a for a in self.associations.values() if (a.namespace, a.service_account) == wanted), None)
