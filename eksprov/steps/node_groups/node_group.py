"""A managed node group: EC2 instances in the private subnets that EKS starts, joins to the cluster and replaces.

Instance types, capacity type, image family and role cannot change in place
(https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html); sizes, labels, taints and the
rules of updates can. What its launch template says changes by a newer version of that template, and the image by a
newer release: then EKS replaces the nodes one after the other, by the update rule. `desired_size` is eksprov's own (a
size set elsewhere is set back) unless an autoscaler owns it: then it counts at creation only. So do the subnets, as EKS
cannot change them; zones added later serve later groups, and only a group whose zones the config names is made again.

EKS goes on trying for over 20 minutes after it has reported why a group cannot come up
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html); issues that no waiting cures end our wait at once,
and so, soon, does a lack of capacity, which the scaling activities tell: then the next of its `alternatives` is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, tolerating
from eksprov.aws.rights import ANYTHING, Need, Place, Rights, node_images, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN, left_to_others
from eksprov.core.convergence.alternatives import Alternatives
from eksprov.core.names import InCluster, StepName
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, FoundResource, Outputs, Phase, PhaseState, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE, names_of, none_if_gone
from eksprov.steps.cluster.rights import found, inside, own_cluster, passing, service_roles, tagged_anew, tagging
from eksprov.steps.cluster.updates import begun, why_failed
from eksprov.steps.node_groups.alternatives import Alternative, mark, slugs, words
from eksprov.steps.node_groups.asg_tags import AsgTags
from eksprov.steps.node_groups.capacity import SCARCE_ISSUES, launches
from eksprov.steps.node_groups.facts import (
    NO_POOL,
    ONE_BY_ONE,
    NodeGroupFacts,
    UpdateRule,
    WarmPoolRule,
    billed_nodes,
    changed,
    described,
    from_description,
    rolling_limit_s,
    scaling_config,
    taints_config,
    update_config,
    warm_pool_config,
)
from eksprov.steps.node_groups.launch_template import alike_version
from eksprov.steps.node_groups.trouble import HOPELESS, diagnosed


@dataclass(frozen=True, kw_only=True)
class NodeGroup(Alternatives[Aws, NodeGroupFacts]):
    """`slug` is "<cluster>/<group>"; `role`, `template` and `subnets` name the steps that make them.

    No `instance_types` here means that the template names the type. `fixed_size` says that the size is eksprov's own.
    """

    kind: ClassVar[str] = "node-group"
    billing: ClassVar[Billing | None] = Billing(billed_nodes)
    # Deleted in motion: one without capacity may take half an hour to fail.
    traits: ClassVar[Traits] = Traits(
        inside=True,
        tags_at=("node-group", "arn"),
        recreate_failed=True,
        delete_in_motion=True,
        limited=True,
        watched=True,
        serves_workloads=True,
    )
    timing: ClassVar[Timing] = Timing(create_s=112, delete_s=190, create_limit_s=1800, delete_limit_s=1800)

    role: str = ""
    subnets: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    capacity_type: str = "ON_DEMAND"
    ami_type: str = ""
    template: str = ""
    zone_ids: tuple[str, ...] = ()
    release_version: str = ""
    min_size: int = 0
    desired_size: int = 0
    max_size: int = 1
    fixed_size: bool = True
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()
    update_rule: UpdateRule = ONE_BY_ONE
    node_repair: bool = False
    warm_pool: WarmPoolRule = NO_POOL
    fallbacks: tuple[Alternative, ...] = ()

    @property
    def alternatives(self) -> tuple[NodeGroup, ...]:
        """This, and as many more as there are fallbacks."""
        return (self, *(self._as(choice) for choice in self.fallbacks))

    @property
    def label(self) -> str:
        """Types, way of buying, zones."""
        return words(self.instance_types, self.capacity_type, self.zone_ids)

    @property
    def replacement(self) -> Replacement:
        """The new one first, unless the nodes are so scarce that old ones go first in updates, too."""
        if self.update_rule.strategy == "MINIMAL":
            return Replacement(Order.DELETE_FIRST, "its pods wait for the new nodes: they are too scarce to have both")
        return Replacement(Order.CREATE_FIRST, "its pods move to the new nodes as disruption budgets allow")

    @property
    def renewed(self) -> NodeGroup:
        """Named by what the config says of it that cannot change in place."""
        cluster, logical = InCluster.parse(self.slug).cluster, StepName.parse(self.name).of
        what = mark(self.instance_types, self.capacity_type, self.zone_ids, self.ami_type)
        return replace(self, slug=str(InCluster(cluster, f"{logical}-{what}")))

    def succeeding(self, have: NodeGroupFacts) -> NodeGroup:
        """With as many nodes as an autoscaler has given the group, within the config's bounds."""
        if self.fixed_size:
            return self
        return replace(self, desired_size=max(self.min_size, min(have.current_size, self.max_size)))

    def siblings(self, aws: Aws, *, fresh: bool = False) -> tuple[NodeGroup, ...]:
        """The choices that are there, and those that the config no longer names."""
        known = {choice.slug: choice for choice in self.alternatives}
        found = slugs(aws, self.name, self.slug, fresh=fresh)
        return tuple(known.get(slug) or replace(self, slug=slug, fallbacks=()) for slug in found)

    def _as(self, choice: Alternative) -> NodeGroup:
        return replace(
            self,
            slug=f"{self.slug}-{choice.mark}",
            instance_types=choice.instance_types,
            capacity_type=choice.capacity_type,
            zone_ids=choice.zone_ids,
            fallbacks=(),
        )

    @property
    def _key(self) -> dict[str, Any]:
        at = InCluster.parse(self.slug)
        return {"clusterName": at.cluster, "nodegroupName": at.name}

    def desired(self, outputs: Outputs) -> NodeGroupFacts:
        """The config's settings, with the role, the template and the subnets of this stack."""
        subnets = self._subnets(outputs)
        return NodeGroupFacts(
            role_arn=outputs.get(self.role, "arn"),
            instance_types=self.instance_types,
            capacity_type=self.capacity_type,
            ami_type=self.ami_type,
            template_id=outputs.get(self.template, "id"),
            pinned_subnets=frozenset(subnets) if self.zone_ids else frozenset(),
            template_version=outputs.get(self.template, "version"),
            template_newest=outputs.get(self.template, "newest"),
            release_version=self.release_version,
            min_size=self.min_size,
            desired_size=self.desired_size,
            max_size=self.max_size,
            labels=frozenset(self.labels),
            taints=frozenset(self.taints),
            update_rule=self.update_rule,
            node_repair=self.node_repair,
            warm_pool=self.warm_pool,
            subnet_ids=subnets,
            unmanaged=left_to_others(
                instance_types=not self.instance_types,
                pinned_subnets=not self.zone_ids,
                release_version=not self.release_version,
                desired_size=not self.fixed_size,
            ),
        )

    def describe(self, want: NodeGroupFacts) -> str:
        """What is created, for the plan."""
        return described(want, self.zone_ids, self.subnets)

    def discover(self, aws: Aws, *, fresh: bool = False) -> NodeGroupFacts | None:
        """One DescribeNodegroup, and what its Auto Scaling group does while it is in motion."""
        answer = none_if_gone(lambda: aws.clients.eks.describe_nodegroup(**self._key))
        if answer is None:
            return None
        have = from_description(answer["nodegroup"])
        return replace(
            have,
            template_version=alike_version(aws, have.template_id, have.template_version),
            **launches(aws, have.status, have.autoscaling_group, have.health, have.current_size),
        )

    def create(self, aws: Aws, want: NodeGroupFacts, token: str) -> dict[str, str]:
        """Send CreateNodegroup once IAM's new role is visible to EKS. Raises: ProvisioningError without subnets."""
        if not want.subnet_ids:
            raise errors.ProvisioningError(
                f"{self.name}: the stack has no private subnet in {', '.join(self.zone_ids) or 'any zone'}",
                "name zones of the stack's own under zone_ids; `eksprov outputs` shows them",
            )
        request: dict[str, Any] = {
            **self._key,
            "nodeRole": want.role_arn,
            "subnets": list(want.subnet_ids),
            "instanceTypes": list(want.instance_types),
            "amiType": want.ami_type,
            "capacityType": want.capacity_type,
            "launchTemplate": {"id": want.template_id, "version": want.template_newest},
            "releaseVersion": want.release_version,
            "scalingConfig": scaling_config(want),
            "labels": dict(want.labels),
            "taints": taints_config(want.taints),
            "updateConfig": update_config(want.update_rule),
            "nodeRepairConfig": {"enabled": True} if want.node_repair else None,
            "warmPoolConfig": warm_pool_config(want.warm_pool) if want.warm_pool.enabled else None,
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
        }
        sent = {key: value for key, value in request.items() if value}
        eks = aws.clients.eks
        made = none_if(
            lambda: eventually(aws, lambda: eks.create_nodegroup(**sent), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",  # the proof tells whose it is
        )
        return {"arn": made["nodegroup"]["nodegroupArn"]} if made is not None else {}

    def update(self, aws: Aws, want: NodeGroupFacts, have: NodeGroupFacts, fields: tuple[str, ...]) -> str:
        """First all that leaves the nodes as they are, in one call; then what replaces them, in another."""
        eks, names = aws.clients.eks, frozenset(fields)
        if not self.fixed_size:
            want = replace(want, desired_size=max(want.min_size, min(have.current_size, want.max_size)))
        change = changed(want, have, names)
        if change:
            answer = eventually(
                aws, lambda: eks.update_nodegroup_config(**self._key, **change), EKS_BUSY, limit_s=BUSY_LIMIT_S
            )
            return begun(answer)
        # Without a version EKS would go to the cluster's, without a release to the newest
        # (https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html).
        move: dict[str, Any] = {
            "version": have.version,
            "releaseVersion": want.release_version or have.release,
            "launchTemplate": {"id": have.template_id, "version": want.template_newest},
        }
        rolled = eventually(
            aws, lambda: eks.update_nodegroup_version(**self._key, **move), EKS_BUSY, limit_s=BUSY_LIMIT_S
        )
        return begun(rolled)

    def update_limit_s(self, want: NodeGroupFacts, have: NodeGroupFacts) -> float:
        """By the number of nodes that are replaced one after another; one in creation has a creation's time."""
        nodes = max(have.current_size, want.desired_size)
        return self.timing.create_limit_s if have.status == "CREATING" else rolling_limit_s(nodes, have.update_rule)

    def why_failed(self, aws: Aws, update: str) -> str:
        at = InCluster.parse(self.slug)
        return why_failed(aws, at.cluster, update, nodegroupName=at.name)

    def delete(self, aws: Aws, have: NodeGroupFacts) -> None:
        """EKS drains the nodes, then ends them."""
        eks = aws.clients.eks
        eventually(aws, lambda: none_if_gone(lambda: eks.delete_nodegroup(**self._key)), EKS_BUSY, limit_s=BUSY_LIMIT_S)

    def abandon(self, aws: Aws, have: NodeGroupFacts) -> bool:
        """One DeleteNodegroup. Whether EKS takes it from a group in creation is not documented; both are met."""
        from botocore.exceptions import ClientError

        try:
            none_if_gone(lambda: aws.clients.eks.delete_nodegroup(**self._key))
        except ClientError as error:
            if code(error) != "ResourceInUseException":
                raise
            return False
        return True

    def phase(self, have: NodeGroupFacts) -> Phase:
        """DEGRADED means nodes that lack something, not a lost group: it is said, and nothing is deleted for it."""
        said = diagnosed(have.health) or have.failed_launch
        match have.status:
            case "CREATING" if any(what in HOPELESS for what, _ in have.health):
                return Phase(PhaseState.FAILED, said, scarce=any(what in SCARCE_ISSUES for what, _ in have.health))
            case "CREATING" if have.shortage:
                return Phase(PhaseState.MOVING, have.shortage, scarce=True)
            case "CREATING":
                return Phase(PhaseState.MOVING, said or "EKS starts the nodes")
            case "UPDATING":
                return Phase(PhaseState.MOVING, said or "EKS changes the group")
            case "DELETING":
                return Phase(PhaseState.LEAVING, said or "EKS drains and ends the nodes")
            case "CREATE_FAILED" | "DELETE_FAILED":
                return Phase(PhaseState.FAILED, said or f"{have.status}, and EKS does not say why", bool(have.shortage))
        return Phase(PhaseState.READY, said) if said else READY

    def outputs(self, have: NodeGroupFacts) -> dict[str, str]:
        """`arn` and the name of the Auto Scaling group."""
        return {"arn": have.arn, "autoscaling_group": have.autoscaling_group}

    def _subnets(self, outputs: Outputs) -> tuple[str, ...]:
        """Those of the wanted zones; all of them where the config names none."""
        zones = (*self.zone_ids, UNKNOWN)
        wanted = [step for step in self.subnets if not self.zone_ids or outputs.get(step, "zone_id") in zones]
        return tuple(outputs.get(step, "id") for step in wanted)

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The node groups of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                pages = eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)
                for name in [name for page in pages for name in page["nodegroups"]]:
                    group = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
                    owner = owner_of(group.get("tags"))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(cls.kind, str(InCluster(cluster, name)), group["nodegroupArn"], owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own = inside(place, "nodegroup")
        read = (*on(own, "eks:DescribeNodegroup"), *on(ANYTHING, "ec2:DescribeLaunchTemplateVersions"))
        return Rights(
            read=read,
            make=(
                *on(ANYTHING, "autoscaling:DescribeScalingActivities", "ec2:DescribeInstanceTypes"),
                *on(own_cluster(place), "eks:CreateNodegroup", condition=place.requested),
                *tagging(place, own),
                *passing(place),
                *service_roles(place),
            ),
            change=(
                *on(own, "eks:UpdateNodegroupConfig", "eks:UpdateNodegroupVersion"),
                *AsgTags.rights(place).change,
                *on(ANYTHING, "ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeNetworkInterfaces"),
                *on((*own_cluster(place), *own), "eks:DescribeUpdate"),
            ),
            delete=on(own, "eks:DeleteNodegroup"),
            list_owned=(
                *found(place),
                *on(own_cluster(place), "eks:ListNodegroups"),
                *on(own, "eks:DescribeNodegroup"),
            ),
            tag=tagged_anew(place),
            check=_checked(place.of(cls)),
            lock=(*read, *on(node_images(place), "ssm:GetParameters")) if place.of(cls) else (),
        )


def _checked(groups: tuple[NodeGroup, ...]) -> tuple[Need, ...]:
    """What EC2 offers, what runs against the quotas, and what Spot costs where it is bought."""
    spot = any(way.capacity_type == "SPOT" for group in groups for way in group.alternatives)
    types = ("ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances")
    prices = ("ec2:DescribeSpotPriceHistory", "ec2:GetSpotPlacementScores")
    return on(ANYTHING, *types, *(prices if spot else ()))
