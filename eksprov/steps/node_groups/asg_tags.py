"""What the tags of a node group's Auto Scaling group tell the Cluster Autoscaler of nodes that are not there yet.

To scale a group up from nothing, it must know the labels, taints and disk of a node it has never seen; it reads them
from tags of the group
(https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#auto-discovery-setup).
EKS makes the Auto Scaling group and the tags by which it is found, but copies neither a node group's labels nor its own
tags to it (https://github.com/aws/containers-roadmap/issues/724). Our owner tags on the group say that the template is
ours; other tags of the group are left alone. With the node group all of it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import STACK, as_dict, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.names import InCluster
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.core.words import plural
from eksprov.steps.cluster.rights import inside
from eksprov.steps.node_groups.alternatives import HASH

TEMPLATE = "k8s.io/cluster-autoscaler/node-template/"
OURS = tuple(TEMPLATE + part for part in ("label/", "taint/", "resources/"))
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
# Another change of the group is pending (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html and
# the errors of CreateOrUpdateTags there).
CONTENDED = (Passing("ResourceContention"), Passing("ResourceInUse"))
CONTENDED_LIMIT_S = 120.0
CLUSTER_TAG, GROUP_TAG = "eks:cluster-name", "eks:nodegroup-name"  # EKS's own


@dataclass(frozen=True)
class TemplateFacts:
    """`template` are the tags that describe a node; `group` is the Auto Scaling group's name, `tags` all its tags."""

    template: frozenset[tuple[str, str]]
    group: str = field(default="", compare=False)
    arn: str = field(default="", compare=False)
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class AsgTags(Step[Aws, TemplateFacts]):
    """`slug` is "<cluster>/<node group>"; `labels`, `taints` (key, value, effect) and `disk_gib` are the group's."""

    kind: ClassVar[str] = "asg-tags"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(inside=True, tags_at=("autoscaling", "autoscaling_group"))

    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()
    disk_gib: int = 0

    def desired(self, outputs: Outputs) -> TemplateFacts:
        """One tag a label, a taint, and the disk where its size is known."""
        template = {(f"{TEMPLATE}label/{key}", value) for key, value in self.labels}
        template |= {(f"{TEMPLATE}taint/{key}", f"{value}:{EFFECTS[effect]}") for key, value, effect in self.taints}
        disk = {(f"{TEMPLATE}resources/ephemeral-storage", f"{self.disk_gib}Gi")} if self.disk_gib else set()
        return TemplateFacts(frozenset(template | disk))

    def describe(self, want: TemplateFacts) -> str:
        """What is created, for the plan."""
        return f"{plural(len(want.template), 'tag')} for the cluster autoscaler"

    def discover(self, aws: Aws, *, fresh: bool = False) -> TemplateFacts | None:
        """None also where the group is there but carries no template of ours."""
        found = self._found(aws)
        if found is None or found.owner is None:
            return None
        return found

    def create(self, aws: Aws, want: TemplateFacts, token: str) -> dict[str, str]:
        """The template and the owner, in one call. Raises: ProvisioningError without an Auto Scaling group."""
        found = self._found(aws)
        if found is None:
            raise errors.ProvisioningError(
                f"{self.name}: EKS has made no Auto Scaling group for node group {self.slug!r}",
                "see what `eksprov status` says of the node group",
            )
        self._put(aws, found.group, {**dict(want.template), **aws.tags(self.name)})
        return {"autoscaling_group": found.group}

    def update(self, aws: Aws, want: TemplateFacts, have: TemplateFacts, fields: tuple[str, ...]) -> None:
        """What is new or different is written first, then what is too much goes."""
        self._put(aws, have.group, dict(want.template - have.template))
        self._drop(aws, have.group, {key for key, _ in have.template} - {key for key, _ in want.template})

    def delete(self, aws: Aws, have: TemplateFacts) -> None:
        """The template and the owner's tags; the group itself is EKS's."""
        self._drop(aws, have.group, {*(key for key, _ in have.template), *aws.tags(self.name)} & have.tags.keys())

    def outputs(self, have: TemplateFacts) -> dict[str, str]:
        return {"autoscaling_group": have.group}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Every Auto Scaling group that carries our owner's tags."""
        for group in _groups(aws, {STACK: stack}):
            tags = as_dict(group["Tags"])
            owner = owner_of(tags)
            if of_stack(owner, stack, aws.region):
                slug = InCluster(tags.get(CLUSTER_TAG, ""), tags.get(GROUP_TAG, ""))
                yield FoundResource(cls.kind, str(slug), group["AutoScalingGroupARN"], owner)

    def _found(self, aws: Aws) -> TemplateFacts | None:
        at = InCluster.parse(self.slug)
        # A group that was had in another way than the first bears its name and a short hash (`node_choices`).
        name = re.compile(rf"{re.escape(at.name)}(-[0-9a-f]{{{HASH}}})?")
        groups = ((found, as_dict(found["Tags"])) for found in _groups(aws, {CLUSTER_TAG: at.cluster}))
        found, tags = next((pair for pair in groups if name.fullmatch(pair[1].get(GROUP_TAG, ""))), (None, {}))
        if found is None:
            return None
        template = frozenset((key, value) for key, value in tags.items() if key.startswith(OURS))
        return TemplateFacts(
            template, found["AutoScalingGroupName"], found["AutoScalingGroupARN"], tags, owner_of(tags)
        )

    def _put(self, aws: Aws, group: str, tags: Mapping[str, str]) -> None:
        handed_on = dict(aws.extra_tags).keys()  # the config's; see `aws.tagging_nodes`
        wanted: Any = [
            {**_tag(group, key), "Value": value, "PropagateAtLaunch": key in handed_on} for key, value in tags.items()
        ]
        if wanted:
            put = partial(aws.clients.autoscaling.create_or_update_tags, Tags=wanted)
            eventually(aws, put, CONTENDED, limit_s=CONTENDED_LIMIT_S)

    def _drop(self, aws: Aws, group: str, keys: Iterable[str]) -> None:
        doomed: Any = [_tag(group, key) for key in sorted(keys)]
        if doomed:
            with tolerating("ValidationError"):  # the group went meanwhile, and its tags with it
                drop = partial(aws.clients.autoscaling.delete_tags, Tags=doomed)
                eventually(aws, drop, CONTENDED, limit_s=CONTENDED_LIMIT_S)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """The groups are EKS's, named `eks-<node group>-<id>`, and carry its tags, not ours."""
        groups = place.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")
        read = on(ANYTHING, "autoscaling:DescribeAutoScalingGroups")
        eks = (("StringEquals", "aws:ResourceTag/eks:cluster-name", (place.stack,)),)
        return Rights(
            read=(*read, *on(inside(place, "nodegroup"), "eks:DescribeNodegroup")),
            make=on(groups, "autoscaling:CreateOrUpdateTags", condition=eks),
            change=on(groups, "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags", condition=eks),
            delete=on(groups, "autoscaling:DeleteTags", condition=eks),
            list_owned=read,
        )


def _tag(group: str, key: str) -> dict[str, str]:
    return {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key}


def _groups(aws: Aws, tags: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Groups with all these tags that are not being deleted (those have a status)."""
    filters: Any = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    for page in aws.clients.autoscaling.get_paginator("describe_auto_scaling_groups").paginate(Filters=filters):
        for group in page["AutoScalingGroups"]:
            if not group.get("Status"):
                yield group
