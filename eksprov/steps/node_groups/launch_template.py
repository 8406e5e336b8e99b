"""A launch template: what EC2 needs to know of a node group's instances and EKS's API cannot say.

Every group has one, because only so its nodes' volumes are encrypted and their metadata service answers nobody but
holders of a session token (IMDSv2). A version never changes, so a change is a new version; the node group then moves
to it by an update of its own. What EKS forbids in such a template is not in it: no instance profile, no subnets
(https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html).

Owner tags are also given to the instances, volumes and network interfaces, so that costs can be told apart; EKS does
not pass on the node group's own tags. A change of the config's tags makes a version that differs in them alone; nodes
of either are alike, so that the group stays where it is (`aws.tagging_nodes`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Need, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tagging_nodes import alike
from eksprov.aws.tags import REGION, STACK, as_list, of_stack
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import known
from eksprov.core.step import FoundResource, Outputs, Step, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.network.ec2 import Item, by_tag, owner_in, where
from eksprov.steps.network.rights import MadeInEc2, made, ours, reads, tagged_anew
from eksprov.steps.node_groups.launch_template_data import (
    ROOT_DEVICE,
    TAGGED,
    Interfaces,
    LaunchTemplateFacts,
    as_data,
    from_data,
)

NO_TEMPLATE = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound")
LAUNCHED_WITH = ("instance", "network-interface", "security-group", "subnet", "volume")


@dataclass(frozen=True, kw_only=True)
class LaunchTemplate(MadeInEc2, Step[Aws, LaunchTemplateFacts]):
    """`slug` is the template's name, unique in account and region.

    `security_group_of` names the cluster where interfaces are listed: EC2 then wants their groups listed too.
    `placement_group` names a step. `problem` says why no node can be set up like this; nothing is sent then.
    """

    kind: ClassVar[str] = "launch-template"
    ec2_type: ClassVar[str] = "launch-template"
    ec2_create: ClassVar[str] = "CreateLaunchTemplate"
    launches: ClassVar[tuple[str, ...]] = TAGGED
    # its volumes are counted with the nodes
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(tags_at=("launch-template", "id"))
    timing: ClassVar[Timing] = Timing(create_s=1.0, delete_s=1.0)

    hop_limit: int = 1
    disk_device: str = ROOT_DEVICE
    disk_gib: int = 50
    disk_iops: int = 3000
    disk_throughput_mib: int = 125
    kms_key_arn: str = ""
    user_data: str = ""
    interfaces: Interfaces = ()
    security_group_of: str = ""
    placement_group: str = ""
    reservation: str = ""
    market: str = ""
    instance_type: str = ""
    problem: str = ""

    def desired(self, outputs: Outputs) -> LaunchTemplateFacts:
        """IMDSv2 and encryption are not the config's to choose."""
        return LaunchTemplateFacts(
            tokens="required",
            hop_limit=self.hop_limit,
            disk_device=self.disk_device,
            disk_gib=self.disk_gib,
            disk_iops=self.disk_iops,
            disk_throughput_mib=self.disk_throughput_mib,
            encrypted=True,
            kms_key_arn=self.kms_key_arn,
            user_data=self.user_data,
            interfaces=self.interfaces,
            security_groups=(outputs.get(self.security_group_of, "security_group"),) if self.interfaces else (),
            placement_group=outputs.get(self.placement_group, "name") if self.placement_group else "",
            reservation=self.reservation,
            market=self.market,
            instance_type=self.instance_type,
        )

    def describe(self, want: LaunchTemplateFacts) -> str:
        """What is created, for the plan."""
        return known(
            want.instance_type,
            f"{want.disk_gib} GiB gp3 root volume" if want.disk_gib else "root volume as the instance type needs it",
            "encrypted" if want.encrypted else "",
            f"IMDSv2 hop limit {want.hop_limit}",
            f"reservation {want.reservation}" if want.reservation else "",
        )

    def discover(self, aws: Aws, *, fresh: bool = False) -> LaunchTemplateFacts | None:
        """By name, so that a stranger's of that name is seen: in the listing of the stack's own, else asked for."""
        listed = (
            [] if fresh else aws.listing("ec2/launch-template", lambda: _templates(aws, by_tag(STACK, aws.owner.stack)))
        )
        mine = [item for item in listed if item["LaunchTemplateName"] == self.slug]
        found = mine or _templates(aws, where("launch-template-name", self.slug))
        if not found:
            return None
        item = found[0]
        answer = none_if(
            lambda: aws.clients.ec2.describe_launch_template_versions(
                LaunchTemplateId=item["LaunchTemplateId"], Versions=["$Latest"]
            ),
            "InvalidLaunchTemplateId.NotFound",
        )
        versions = answer["LaunchTemplateVersions"] if answer is not None else []
        return from_data(versions[0], item) if versions else None

    def create(self, aws: Aws, want: LaunchTemplateFacts, token: str) -> dict[str, str]:
        """One call. Raises: ProvisioningError for nodes that could never be."""
        self._refuse()
        tags: Any = [{"ResourceType": self.kind, "Tags": as_list(aws.tags(self.name, self.slug))}]
        made = none_if(
            lambda: aws.clients.ec2.create_launch_template(
                LaunchTemplateName=self.slug,
                LaunchTemplateData=as_data(want, self._launched(aws)),
                TagSpecifications=tags,
                ClientToken=token,
            ),
            "InvalidLaunchTemplateName.AlreadyExistsException",  # the proof tells whose it is
        )
        return {"id": made["LaunchTemplate"]["LaunchTemplateId"]} if made is not None else {}

    def update(self, aws: Aws, want: LaunchTemplateFacts, have: LaunchTemplateFacts, fields: tuple[str, ...]) -> None:
        """A new version, all of it. Raises: ProvisioningError for nodes that could never be."""
        self._refuse()
        data = as_data(want, self._launched(aws))
        told = hashlib.sha256(f"{have.id}|{have.newest}|{data}".encode()).hexdigest()
        aws.clients.ec2.create_launch_template_version(
            LaunchTemplateId=have.id,
            LaunchTemplateData=data,
            VersionDescription=f"changed: {', '.join(fields)}"[:255],
            ClientToken=told,
        )

    def delete(self, aws: Aws, have: LaunchTemplateFacts) -> None:
        """With all its versions; the node group, which works with EKS's copy, is gone by then."""
        with tolerating("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.NotFoundException"):
            aws.clients.ec2.delete_launch_template(LaunchTemplateId=have.id)

    def outputs(self, have: LaunchTemplateFacts) -> dict[str, str]:
        """`id`, `version`, and `newest`, which may differ from it in tags alone; one yet to be made has no number."""
        want = self.desired(Outputs())
        told = [f.name for f in fields(want) if f.compare and not _is_unknown(getattr(want, f.name))]
        settled = all(getattr(want, name) == getattr(have, name) for name in told)
        version, newest = (have.version, have.newest) if settled else (UNKNOWN, UNKNOWN)
        return {"id": have.id, "version": version, "newest": newest}

    def _launched(self, aws: Aws) -> dict[str, str]:
        """The tags of what is launched, which its own region tells: EKS's take the place of one more up to EC2's 50
        (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions)."""
        tags = aws.tags(self.name.replace(self.kind, "node-group"), self.slug)
        return {key: value for key, value in tags.items() if key != REGION}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Those whose tags name the stack; the copies that EKS makes have none of ours."""
        for item in _templates(aws, by_tag(STACK, stack)):
            owner = owner_in(item)
            if of_stack(owner, stack, aws.region):
                yield FoundResource(cls.kind, item["LaunchTemplateName"], item["LaunchTemplateId"], owner)

    def _refuse(self) -> None:
        if self.problem:
            raise errors.ProvisioningError(
                f"{self.name}: {self.problem}", "change the node group in the config; nothing was made of it"
            )

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """Whoever hands a template to EKS must be allowed what is in it: instances are launched in the caller's name
        (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html)."""
        return Rights(
            read=reads("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"),
            make=(*made(place, cls), *_launching(place)),
            change=(*ours(place, ("launch-template",), "ec2:CreateLaunchTemplateVersion"), *_launching(place)),
            delete=ours(place, ("launch-template",), "ec2:DeleteLaunchTemplate"),
            list_owned=reads("DescribeLaunchTemplates"),
            tag=tagged_anew(place, cls),
            check=_checked(place.of(cls)),
        )


def alike_version(aws: Aws, template: str, version: str) -> str:
    """The version of a template whose nodes are as those of `version`; the first differs from none before it."""
    if version in ("", "1"):
        return version
    ask: Any = {"LaunchTemplateId": template, "Versions": [version]}
    found = none_if(lambda: aws.clients.ec2.describe_launch_template_versions(**ask), *NO_TEMPLATE)
    versions = found["LaunchTemplateVersions"] if found is not None else []
    return alike(versions[0]) if versions else version


def _is_unknown(value: object) -> bool:
    return value is UNKNOWN or (isinstance(value, tuple) and UNKNOWN in value)


def _templates(aws: Aws, *filters: Any) -> list[Item]:
    pages = aws.clients.ec2.get_paginator("describe_launch_templates").paginate(Filters=list(filters))
    return [dict(item) for page in pages for item in page["LaunchTemplates"]]


def _launching(place: Place) -> tuple[Need, ...]:
    """Everything that a launch touches; the images and snapshots are Amazon's, and EKS's group is not tagged as ours.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances
    """
    templates = place.of(LaunchTemplate)
    grouped = ("placement-group",) if any(one.placement_group for one in templates) else ()
    more = (*grouped, *(("capacity-reservation",) if any(one.reservation for one in templates) else ()))
    things = place.arn("ec2", *(f"{thing}/*" for thing in (*LAUNCHED_WITH, *more)))
    given = tuple(f"arn:{place.partition}:ec2:{place.region}::{thing}/*" for thing in ("image", "snapshot"))
    own = ours(place, ("launch-template",), "ec2:RunInstances")
    return (*on((*things, *given), "ec2:RunInstances"), *own)


def _checked(templates: tuple[LaunchTemplate, ...]) -> tuple[Need, ...]:
    """Reservations that the config names, and whether Auto Scaling may use the keys that node groups name.

    A customer's key that is the account's default is known to nobody beforehand: its policy may not be read, and the
    check says that it is unknown.
    """
    reserved = on(ANYTHING, "ec2:DescribeCapacityReservations") if any(one.reservation for one in templates) else ()
    usual = on(ANYTHING, "ec2:GetEbsDefaultKmsKeyId") if any(not one.kms_key_arn for one in templates) else ()
    keys = sorted({one.kms_key_arn for one in templates} - {""})
    return (*reserved, *usual, *on(keys, "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"))
