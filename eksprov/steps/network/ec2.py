"""What the network kinds share: being found by owner tags, because EC2 gives them no name that we could choose.

A resource's identity in the world is its pair of tags `eksprov:stack` and `eksprov:step`, which travel in the create
call itself; its Name tag (the step's slug) is for people. Decisions read one listing a kind, shared by all its steps;
a proof reads its own step's resource alone. Filters are applied here a second time: not every endpoint that speaks
EC2 honours tag filters for every kind.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.aws.tags import STACK, STEP, as_dict, as_list, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.step import F, FoundResource, Owner, Step, Traits
from eksprov.steps.network.rights import MadeInEc2

T = TypeVar("T")
Item = dict[str, Any]  # one resource as EC2 describes it
Filters = list[Any]

# Throttled calls were not carried out, so even a create without a token may be sent again after them
# (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
THROTTLED = (Passing("RequestLimitExceeded"), Passing("Throttling"), Passing("EC2ThrottledException"))
THROTTLED_LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Tagged(MadeInEc2, Step[Aws, F]):
    """A step whose resource is found by its owner tags."""

    traits: ClassVar[Traits] = Traits(named=False, tags_at=("ec2", "id"))
    id_key: ClassVar[str]  # where EC2 puts the id: "VpcId"

    @classmethod
    @abstractmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        """Every live resource of the kind that passes the filters, all pages."""

    @abstractmethod
    def read(self, aws: Aws, item: Item, owner: Owner | None) -> F | None:
        """The facts of a described resource; None when it vanished meanwhile."""

    def discover(self, aws: Aws, *, fresh: bool = False) -> F | None:
        """Raises: ProvisioningError when two live resources claim to be this step's; neither is picked."""
        mine = self._mine(aws, fresh=fresh)
        if len(mine) > 1:
            ids = " and ".join(sorted(item[self.id_key] for item in mine))
            raise errors.ProvisioningError(
                f"{self.name}: {ids} both carry the tags {STACK}={aws.owner.stack} and {STEP}={self.name}",
                "find out which one is in use and delete the other, or its tags; then run again",
            )
        return self.read(aws, mine[0], owner_in(mine[0])) if mine else None

    def _mine(self, aws: Aws, *, fresh: bool) -> list[Item]:
        filters = [by_tag(STACK, aws.owner.stack), *([by_tag(STEP, self.name)] if fresh else [])]
        items = aws.listing(f"ec2/{self.kind}", lambda: self.load(aws, filters), fresh=fresh)
        found = [(item, owner_in(item)) for item in items]
        ours = aws.owner.stack, aws.region
        return [item for item, owner in found if of_stack(owner, *ours) and owner.step == self.name]

    def tag_specification(self, aws: Aws, resource_type: str, more: dict[str, str] | None = None) -> Any:
        """The tags for the create call: whose it is, its name, and `more`."""
        tags = {**aws.tags(self.name, self.slug), **(more or {})}
        return [{"ResourceType": resource_type, "Tags": as_list(tags)}]

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Every live resource of the kind whose tags name the stack."""
        for item in cls.load(aws, [by_tag(STACK, stack)]):
            owner = owner_in(item)
            if of_stack(owner, stack, aws.region):
                yield FoundResource(cls.kind, as_dict(item.get("Tags")).get("Name", ""), item[cls.id_key], owner)


def owner_in(item: Item) -> Owner | None:
    """Whose a described resource is, or None when its tags do not say."""
    return owner_of(as_dict(item.get("Tags")))


def by_tag(key: str, value: str) -> Any:
    """A filter on one tag."""
    return {"Name": f"tag:{key}", "Values": [value]}


def where(name: str, value: str) -> Any:
    """A filter on one property."""
    return {"Name": name, "Values": [value]}


def sent_once(aws: Aws, call: Callable[[], T]) -> T:
    """Send a create that AWS would not recognise if it were sent twice; only throttling is waited out.

    `call` must use the clients `once` of `Aws`. When its answer is lost the step fails, and the next run finds the
    resource by its tags.
    """
    return eventually(aws, call, THROTTLED, limit_s=THROTTLED_LIMIT_S)


def interfaces(aws: Aws, *filters: Any) -> list[Item]:
    """Network interfaces that pass the filters, all pages."""
    pages = aws.clients.ec2.get_paginator("describe_network_interfaces").paginate(Filters=list(filters))
    return [dict(interface) for page in pages for interface in page["NetworkInterfaces"]]


def named(interface: Item) -> str:
    """A network interface in words: its id, state, what it is for, and who made it."""
    what = interface.get("Description") or interface.get("InterfaceType", "interface")
    maker = f", made by {interface['RequesterId']}" if interface.get("RequesterId") else ""
    return f"network interface {interface['NetworkInterfaceId']} ({interface.get('Status', '')}: {what}{maker})"
