"""A managed node group: EC2 instances in the private subnets that EKS starts, joins to the cluster and replaces.

Instance types, capacity type, disk and role cannot change in place
(https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html); sizes, labels and taints can.
`desired_size` is eksprov's own: a size set elsewhere is set back. The subnets count at creation only, as EKS cannot
change them; zones added later serve later groups. The image follows from the instance types, at creation.

EKS goes on trying for over 20 minutes after it has reported why a group cannot come up
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html); issues that no waiting cures end our wait at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.session import Aws
from eksprov.aws.tags import owner_of
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.change import UNKNOWN
from eksprov.core.step import READY, Outputs, Owner, Phase, Sighting, State, Step, Timing
from eksprov.steps.absent import unless
from eksprov.steps.eks_reading import GONE, in_words, issues, names_of, pairs, unless_gone
from eksprov.steps.instances import ami_type

HOPELESS = frozenset(
    {
        "AmiIdNotFound",
        "Ec2InstanceTypeDoesNotExist",
        "Ec2LaunchTemplateInvalidConfiguration",
        "Ec2LaunchTemplateMaxLimitExceeded",
        "IamNodeRoleNotFound",
        "InstanceLimitExceeded",
        "InsufficientFreeAddresses",
    }
)
Taints = frozenset[tuple[str, str, str]]  # key, value, effect (NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE)


@dataclass(frozen=True)
class NodeGroupFacts:
    """Sizes in nodes; `status` and `health` are EKS's own words."""

    role_arn: str = field(metadata={"replace": True})
    instance_types: tuple[str, ...] = field(metadata={"replace": True})
    capacity_type: str = field(metadata={"replace": True})
    disk_gib: int = field(metadata={"replace": True})
    min_size: int
    desired_size: int
    max_size: int
    labels: frozenset[tuple[str, str]]
    taints: Taints
    subnet_ids: tuple[str, ...] = field(default=(), compare=False)
    status: str = field(default="", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    autoscaling_group: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class NodeGroup(Step[Aws, NodeGroupFacts]):
    """`slug` is "<cluster>/<group>"; `role` and `subnets` name the steps that make them."""

    kind: ClassVar[str] = "node-group"
    timing: ClassVar[Timing] = Timing(create_s=112, delete_s=190, create_limit_s=1800, delete_limit_s=1800)
    recreate_failed: ClassVar[bool] = True
    replaceable: ClassVar[bool] = True

    role: str = ""
    subnets: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    capacity_type: str = "ON_DEMAND"
    disk_gib: int = 20
    min_size: int = 0
    desired_size: int = 0
    max_size: int = 1
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()

    @property
    def _key(self) -> dict[str, Any]:
        cluster, group = self.slug.split("/", 1)
        return {"clusterName": cluster, "nodegroupName": group}

    def desired(self, outputs: Outputs) -> NodeGroupFacts:
        """The config's settings, with the role and the subnets of this stack."""
        return NodeGroupFacts(
            role_arn=outputs.get(self.role, "arn"),
            instance_types=self.instance_types,
            capacity_type=self.capacity_type,
            disk_gib=self.disk_gib,
            min_size=self.min_size,
            desired_size=self.desired_size,
            max_size=self.max_size,
            labels=frozenset(self.labels),
            taints=frozenset(self.taints),
            subnet_ids=tuple(outputs.get(step, "id") for step in self.subnets),
        )

    def discover(self, aws: Aws, *, fresh: bool = False) -> NodeGroupFacts | None:  # noqa: ARG002 -- one call either way
        """One DescribeNodegroup."""
        answer = unless_gone(lambda: aws.clients.eks.describe_nodegroup(**self._key))
        return _facts(answer["nodegroup"]) if answer is not None else None

    def create(self, aws: Aws, want: NodeGroupFacts, token: str) -> dict[str, str]:
        """Send CreateNodegroup once IAM's new role is visible to EKS. Raises: ProvisioningError for the types."""
        request: dict[str, Any] = {
            **self._key,
            "nodeRole": want.role_arn,
            "subnets": list(want.subnet_ids),
            "instanceTypes": list(want.instance_types),
            "amiType": ami_type(aws, self.name, want.instance_types),
            "capacityType": want.capacity_type,
            "diskSize": want.disk_gib,
            "scalingConfig": _scaling(want),
            "labels": dict(want.labels),
            "taints": _taints(want.taints),
            "updateConfig": {"maxUnavailable": 1},
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
        }
        eks = aws.clients.eks
        made = unless(
            lambda: eventually(aws, lambda: eks.create_nodegroup(**request), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",  # the proof tells whose it is
        )
        return {"arn": made["nodegroup"]["nodegroupArn"]} if made is not None else {}

    def update(self, aws: Aws, want: NodeGroupFacts, have: NodeGroupFacts, fields: tuple[str, ...]) -> None:
        """Sizes, labels and taints in one call."""
        change: dict[str, Any] = {}
        if {"min_size", "desired_size", "max_size"} & set(fields):
            change["scalingConfig"] = _scaling(want)
        if "labels" in fields:
            gone = sorted({key for key, _ in have.labels} - {key for key, _ in want.labels})
            change["labels"] = {"addOrUpdateLabels": dict(want.labels - have.labels), "removeLabels": gone}
        if "taints" in fields:
            stale, kept = have.taints - want.taints, {(key, effect) for key, _, effect in want.taints}
            gone_taints = frozenset(taint for taint in stale if (taint[0], taint[2]) not in kept)
            new = _taints(want.taints - have.taints)
            change["taints"] = {"addOrUpdateTaints": new, "removeTaints": _taints(gone_taints)}
        eventually(
            aws,
            lambda: aws.clients.eks.update_nodegroup_config(**self._key, **change),
            EKS_BUSY,
            limit_s=BUSY_LIMIT_S,
        )

    def delete(self, aws: Aws, have: NodeGroupFacts) -> None:  # noqa: ARG002 -- the name says it all
        """EKS drains the nodes, then ends them."""
        eks = aws.clients.eks
        eventually(aws, lambda: unless_gone(lambda: eks.delete_nodegroup(**self._key)), EKS_BUSY, limit_s=BUSY_LIMIT_S)

    def phase(self, have: NodeGroupFacts) -> Phase:
        """DEGRADED means nodes that lack something, not a lost group: it is said, and nothing is deleted for it."""
        said = in_words(have.health)
        match have.status:
            case "CREATING" if any(what in HOPELESS for what, _ in have.health):
                return Phase(State.FAILED, said)
            case "CREATING":
                return Phase(State.MOVING, said or "EKS starts the nodes")
            case "UPDATING":
                return Phase(State.MOVING, said or "EKS changes the group")
            case "DELETING":
                return Phase(State.LEAVING, said or "EKS drains and ends the nodes")
            case "CREATE_FAILED" | "DELETE_FAILED":
                return Phase(State.FAILED, said or f"{have.status}, and EKS does not say why")
        return Phase(State.READY, said) if said else READY

    def outputs(self, have: NodeGroupFacts) -> dict[str, str]:
        """`arn` and the name of the Auto Scaling group."""
        return {"arn": have.arn, "autoscaling_group": have.autoscaling_group}

    @classmethod
    def survey(cls, aws: Aws, stack: str) -> Iterable[Sighting]:
        """The node groups of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                pages = eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)
                for name in [name for page in pages for name in page["nodegroups"]]:
                    group = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
                    owner = owner_of(group.get("tags"))
                    if owner is not None and owner.stack == stack:
                        yield Sighting(cls.kind, f"{cluster}/{name}", group["nodegroupArn"], owner)


def _facts(group: Mapping[str, Any]) -> NodeGroupFacts:
    scaling = group.get("scalingConfig", {})
    groups = group.get("resources", {}).get("autoScalingGroups") or [{}]
    return NodeGroupFacts(
        role_arn=group.get("nodeRole", ""),
        instance_types=tuple(group.get("instanceTypes") or ()),
        capacity_type=group.get("capacityType", ""),
        disk_gib=group.get("diskSize", 0),
        min_size=scaling.get("minSize", 0),
        desired_size=scaling.get("desiredSize", 0),
        max_size=scaling.get("maxSize", 0),
        labels=pairs(group.get("labels")),
        taints=frozenset((t["key"], t.get("value", ""), t["effect"]) for t in group.get("taints") or ()),
        subnet_ids=tuple(group.get("subnets") or ()),
        status=group.get("status", ""),
        health=issues(group.get("health")),
        arn=group["nodegroupArn"],
        autoscaling_group=groups[0].get("name", ""),
        owner=owner_of(group.get("tags")),
    )


def _scaling(want: NodeGroupFacts) -> dict[str, int]:
    return {"minSize": want.min_size, "maxSize": want.max_size, "desiredSize": want.desired_size}


def _taints(taints: Taints) -> list[dict[str, str]]:
    named = [{"key": key, "value": value, "effect": effect} for key, value, effect in sorted(taints)]
    return [{key: text for key, text in taint.items() if text} for taint in named]
