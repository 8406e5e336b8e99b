"""A security group that lets the VPC's own addresses in on a few ports, as endpoints and file systems in it need.

AWS knows it by its name within the VPC, so a second create is refused and finds the first. Whatever uses it (the
network interfaces of endpoints) keeps it from being deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, Passing, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.converge import is_ours
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import Outputs, Owner, Timing, Traits
from eksprov.steps.network.ec2 import Filters, Item, Tagged, interfaces, named, owner_in, where
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

GONE = "InvalidGroup.NotFound"
UNSEEN = (*NOT_SEEN_YET, Passing(GONE))


@dataclass(frozen=True)
class SecurityGroupFacts:
    """Where it is and what it lets in, each rule like "tcp 443 from 10.0.0.0/16"."""

    vpc_id: str = field(metadata={"replace": True})
    ingress: frozenset[str]
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(Tagged[SecurityGroupFacts]):
    """Own the group and what it lets in; what may leave stays as AWS makes it (everything).

    `slug` is its name, `vpc` the step whose VPC it is in and whose range may come in on `ports_from_vpc` (TCP);
    with `ipv6` its IPv6 range too.
    """

    kind: ClassVar[str] = "security-group"
    billing: ClassVar[Billing | None] = UNBILLED
    ec2_type: ClassVar[str] = "security-group"
    ec2_create: ClassVar[str] = "CreateSecurityGroup"
    id_key: ClassVar[str] = "GroupId"
    traits: ClassVar[Traits] = replace(Tagged.traits, named=True, network=True)
    timing: ClassVar[Timing] = Timing(create_s=1.5, delete_s=1.5)
    vpc: str = ""
    description: str = "Made by eksprov"
    ports_from_vpc: tuple[int, ...] = ()
    ipv6: bool = False

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "the endpoints that it guards are away")

    def desired(self, outputs: Outputs) -> SecurityGroupFacts:
        """In the VPC, open to its ranges."""
        cidrs = [outputs.get(self.vpc, key) for key in ("cidr", *(("ipv6_cidr",) if self.ipv6 else ()))]
        rules = frozenset(f"tcp {port} from {cidr}" for port in self.ports_from_vpc for cidr in cidrs)
        return SecurityGroupFacts(outputs.get(self.vpc, "id"), rules)

    def describe(self, want: SecurityGroupFacts) -> str:
        """What is created, for the plan."""
        if not want.ingress:
            return "lets nothing in"
        return f"lets in tcp {', '.join(map(str, self.ports_from_vpc))} from the ranges of {self.vpc}"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_security_groups").paginate(Filters=filters)
        return [dict(group) for page in pages for group in page["SecurityGroups"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> SecurityGroupFacts:
        """Every rule counts: one that somebody added is taken out again."""
        rules = frozenset(rule for permission in item.get("IpPermissions", []) for rule in _in_words(permission))
        return SecurityGroupFacts(item["VpcId"], rules, item["GroupId"], owner)

    def create(self, aws: Aws, want: SecurityGroupFacts, token: str) -> dict[str, str]:
        """The group, then what it lets in; a re-sent call finds its own work."""
        from botocore.exceptions import ClientError

        try:
            answer = eventually(
                aws,
                lambda: aws.clients.ec2.create_security_group(
                    GroupName=self.slug,
                    Description=self.description,
                    VpcId=want.vpc_id,
                    TagSpecifications=self.tag_specification(aws, "security-group"),
                ),
                NOT_SEEN_YET,
                limit_s=SEEN_LIMIT_S,
            )
            group = answer["GroupId"]
        except ClientError as error:
            group = self._in_the_way(aws, want, error)["GroupId"]
        self._let_in(aws, group, want.ingress)
        return {"id": group}

    def update(
        self,
        aws: Aws,
        want: SecurityGroupFacts,
        have: SecurityGroupFacts,
        fields: tuple[str, ...],
    ) -> None:
        """Let in what is missing before shutting out what should not be: nobody is cut off in between."""
        self._let_in(aws, have.id, want.ingress - have.ingress)
        if have.ingress - want.ingress:
            (item,) = self.load(aws, [where("group-id", have.id)])
            surplus = [p for p in item["IpPermissions"] if not set(_in_words(p)) <= want.ingress]
            with tolerating("InvalidPermission.NotFound"):
                aws.clients.ec2.revoke_security_group_ingress(
                    GroupId=have.id, IpPermissions=[_bare(p) for p in surplus]
                )
            kept = {rule for p in surplus for rule in _in_words(p)} & want.ingress
            self._let_in(aws, have.id, frozenset(kept))

    def delete(self, aws: Aws, have: SecurityGroupFacts) -> None:
        """Waits while interfaces still use it."""
        with tolerating(GONE):
            eventually(
                aws,
                lambda: aws.clients.ec2.delete_security_group(GroupId=have.id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                held_by=lambda: self.blockers(aws, have),
            )

    def outputs(self, have: SecurityGroupFacts) -> dict[str, str]:
        return {"id": have.id}

    def blockers(self, aws: Aws, have: SecurityGroupFacts) -> tuple[str, ...]:
        """The network interfaces that use it."""
        return tuple(map(named, interfaces(aws, where("group-id", have.id))))

    def _let_in(self, aws: Aws, group: str, rules: frozenset[str]) -> None:
        for rule in sorted(rules):
            with tolerating("InvalidPermission.Duplicate"):
                eventually(
                    aws,
                    lambda rule=rule: aws.clients.ec2.authorize_security_group_ingress(  # type: ignore[misc]  # mypy and lambdas with defaults
                        GroupId=group, IpPermissions=[_permission(rule)]
                    ),
                    UNSEEN,
                    limit_s=SEEN_LIMIT_S,
                )

    def _in_the_way(self, aws: Aws, want: SecurityGroupFacts, error: ClientError) -> Item:
        """The group that has the name already, if it is this step's own. Raises: OwnershipError, or `error`."""
        if code(error) != "InvalidGroup.Duplicate":
            raise error
        for item in self.load(aws, [where("vpc-id", want.vpc_id), where("group-name", self.slug)]):
            owner = owner_in(item)
            if owner is not None and is_ours(owner, aws.owner) and owner.step == self.name:
                return item
        raise errors.OwnershipError(
            f"{self.name}: {want.vpc_id} has a security group {self.slug!r} that is not this step's; it was left alone",
            "remove or rename that group, or choose another stack name",
        ) from error

    @classmethod
    def rights(cls, place: Place) -> Rights:
        rules = ours(place, ("security-group",), "ec2:AuthorizeSecurityGroupIngress")
        return Rights(
            read=reads("DescribeSecurityGroups"),
            make=(*made(place, cls, "vpc"), *rules),
            change=(*rules, *ours(place, ("security-group",), "ec2:RevokeSecurityGroupIngress")),
            delete=ours(place, ("security-group",), "ec2:DeleteSecurityGroup"),
            list_owned=reads("DescribeSecurityGroups"),
            tag=tagged_anew(place, cls),
        )


def _in_words(permission: Item) -> list[str]:
    """A permission of EC2's as rules, one a source."""
    protocol = permission.get("IpProtocol", "-1")
    low, high = permission.get("FromPort", -1), permission.get("ToPort", -1)
    ports = str(low) if low == high else f"{low}-{high}"
    sources = [
        *(source["CidrIp"] for source in permission.get("IpRanges", [])),
        *(source["CidrIpv6"] for source in permission.get("Ipv6Ranges", [])),
        *(source.get("GroupId", "?") for source in permission.get("UserIdGroupPairs", [])),
        *(source["PrefixListId"] for source in permission.get("PrefixListIds", [])),
    ]
    return [f"{protocol} {ports} from {source}" for source in sources]


def _permission(rule: str) -> Any:
    """The rule as EC2 takes it; only ranges of addresses are ever let in."""
    protocol, port, _, source = rule.split()
    where_from = {"Ipv6Ranges": [{"CidrIpv6": source}]} if ":" in source else {"IpRanges": [{"CidrIp": source}]}
    return {"IpProtocol": protocol, "FromPort": int(port), "ToPort": int(port), **where_from}


def _bare(permission: Item) -> Any:
    """A permission as a request takes it back: without the lists that are empty."""
    return {key: value for key, value in permission.items() if value not in ([], None)}
