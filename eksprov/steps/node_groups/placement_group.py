"""A placement group: instances close together in one zone, for training across nodes.

Strategy "cluster" (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html). Its name is unique
in account and region, so a second create is refused; it changes in nothing, and EC2 deletes it only when no instance
is left in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.tags import STACK, as_list, of_stack
from eksprov.aws.waiting import HELD_LIMIT_S, Passing, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.network.ec2 import Item, by_tag, owner_in, where
from eksprov.steps.network.rights import MadeInEc2, made, ours, reads, tagged_anew

IN_USE = (Passing("InvalidPlacementGroup.InUse"),)


@dataclass(frozen=True)
class PlacementGroupFacts:
    """`state` is EC2's own word."""

    strategy: str = field(metadata={"replace": True})
    state: str = field(default="available", compare=False)
    id: str = field(default="", compare=False)
    name: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class PlacementGroup(MadeInEc2, Step[Aws, PlacementGroupFacts]):
    """`slug` is the group's name."""

    kind: ClassVar[str] = "placement-group"
    ec2_type: ClassVar[str] = "placement-group"
    ec2_create: ClassVar[str] = "CreatePlacementGroup"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(tags_at=("ec2", "id"))

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "no node is launched into it")

    def desired(self, outputs: Outputs) -> PlacementGroupFacts:
        return PlacementGroupFacts("cluster", name=self.slug)

    def describe(self, want: PlacementGroupFacts) -> str:
        """What is created, for the plan."""
        return f"strategy {want.strategy}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> PlacementGroupFacts | None:
        """By name; one that is gone stays listed for a while."""
        found = [item for item in _groups(aws, where("group-name", self.slug)) if item["State"] != "deleted"]
        if not found:
            return None
        item = found[0]
        return PlacementGroupFacts(item["Strategy"], item["State"], item["GroupId"], item["GroupName"], owner_in(item))

    def create(self, aws: Aws, want: PlacementGroupFacts, token: str) -> dict[str, str]:
        tags: Any = [{"ResourceType": self.kind, "Tags": as_list(aws.tags(self.name, self.slug))}]
        strategy: Any = want.strategy
        none_if(
            lambda: aws.clients.ec2.create_placement_group(
                GroupName=self.slug, Strategy=strategy, TagSpecifications=tags
            ),
            "InvalidPlacementGroup.Duplicate",  # the proof tells whose it is
        )
        return {"name": self.slug}

    def delete(self, aws: Aws, have: PlacementGroupFacts) -> None:
        """Instances that are on their way out hold it for a while."""
        ec2 = aws.clients.ec2

        def send() -> None:
            with tolerating("InvalidPlacementGroup.Unknown"):
                ec2.delete_placement_group(GroupName=self.slug)

        eventually(aws, send, IN_USE, limit_s=HELD_LIMIT_S)

    def phase(self, have: PlacementGroupFacts) -> Phase:
        match have.state:
            case "pending":
                return Phase(PhaseState.MOVING, "placement group is pending")
            case "deleting":
                return Phase(PhaseState.LEAVING, "placement group is being deleted")
            case _:
                return READY

    def outputs(self, have: PlacementGroupFacts) -> dict[str, str]:
        """The name, by which instances are placed in it, and the id."""
        return {"name": self.slug, "id": have.id}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Those whose tags name the stack."""
        for item in _groups(aws, by_tag(STACK, stack)):
            owner = owner_in(item)
            if of_stack(owner, stack, aws.region) and item["State"] != "deleted":
                yield FoundResource(cls.kind, item["GroupName"], item["GroupId"], owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        return Rights(
            read=reads("DescribePlacementGroups"),
            make=made(place, cls),
            delete=ours(place, ("placement-group",), "ec2:DeletePlacementGroup"),
            list_owned=reads("DescribePlacementGroups"),
            tag=tagged_anew(place, cls),
        )


def _groups(aws: Aws, *filters: Any) -> list[Item]:
    """EC2 has no pages here (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribePlacementGroups.html)."""
    found = aws.clients.ec2.describe_placement_groups(Filters=list(filters))["PlacementGroups"]
    return [dict(item) for item in found]
