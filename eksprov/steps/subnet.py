"""A subnet: a range of the VPC in one zone, public or private.

Public and private differ by the route table associated with them and by the tag that tells AWS's load balancer
controller what to place here (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).

A subnet is often the last thing that cannot be deleted: the VPC CNI leaves network interfaces behind when a node goes
faster than it can tidy up (https://github.com/aws/amazon-vpc-cni-k8s/pull/624). Those that are attached to nothing and
carry this cluster's CNI tags are deleted here; all others are waited for, and named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, tolerating
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, eventually
from eksprov.core.converge import is_ours
from eksprov.core.step import Outputs, Owner, Timing
from eksprov.steps.ec2 import Filters, Item, Tagged, interfaces, named, owner_in, where

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ROLE_TAG = "kubernetes.io/role/"
ROLES = ("elb", "internal-elb")
CNI_CLUSTER_TAG = "cluster.k8s.amazonaws.com/name"
CNI_OWNER_TAG = "eks:eni:owner"
CNI_OWNER = "amazon-vpc-cni"


@dataclass(frozen=True)
class SubnetFacts:
    """Where it is, and which load balancers the controller may place in it ("elb" or "internal-elb")."""

    vpc_id: str = field(metadata={"replace": True})
    cidr: str = field(metadata={"replace": True})
    zone_id: str = field(metadata={"replace": True})
    role: str
    zone: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    arn: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Subnet(Tagged[SubnetFacts]):
    """Own the subnet and its load-balancer tag; `vpc` is the step whose VPC it is in, `zone_id` like "usw2-az1"."""

    kind: ClassVar[str] = "subnet"
    id_key: ClassVar[str] = "SubnetId"
    timing: ClassVar[Timing] = Timing(create_s=2.0, delete_s=2.0)
    vpc: str = ""
    cidr: str = ""
    zone_id: str = ""
    public: bool = False

    def desired(self, outputs: Outputs) -> SubnetFacts:
        """In the VPC, tagged for its load balancers."""
        role = "elb" if self.public else "internal-elb"
        return SubnetFacts(outputs.get(self.vpc, "id"), self.cidr, self.zone_id, role)

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        """All pages of DescribeSubnets."""
        pages = aws.clients.ec2.get_paginator("describe_subnets").paginate(Filters=filters)
        return [dict(subnet) for page in pages for subnet in page["Subnets"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> SubnetFacts:  # noqa: ARG002 -- the item says all
        """Both role tags at once read as neither."""
        tags = as_dict(item.get("Tags"))
        return SubnetFacts(
            vpc_id=item["VpcId"],
            cidr=item["CidrBlock"],
            zone_id=item["AvailabilityZoneId"],
            role=" and ".join(role for role in ROLES if tags.get(ROLE_TAG + role) == "1"),
            zone=item["AvailabilityZone"],
            id=item["SubnetId"],
            arn=item.get("SubnetArn", ""),
            owner=owner,
        )

    def create(self, aws: Aws, want: SubnetFacts, token: str) -> dict[str, str]:  # noqa: ARG002 -- known by its range
        """CreateSubnet takes no token, but AWS refuses the same range twice; a re-sent call finds its own work."""
        from botocore.exceptions import ClientError

        specification = self.tag_specification(aws, "subnet", {ROLE_TAG + want.role: "1"})
        try:
            answer = eventually(
                aws,
                lambda: aws.clients.ec2.create_subnet(
                    VpcId=want.vpc_id,
                    CidrBlock=want.cidr,
                    AvailabilityZoneId=want.zone_id,
                    TagSpecifications=specification,
                ),
                NOT_SEEN_YET,
                limit_s=SEEN_LIMIT_S,
            )
        except ClientError as error:
            return {"id": self._in_the_way(aws, want, error)["SubnetId"]}
        return {"id": answer["Subnet"]["SubnetId"]}

    def update(self, aws: Aws, want: SubnetFacts, have: SubnetFacts, fields: tuple[str, ...]) -> None:  # noqa: ARG002
        """The role tag is all that changes in place."""
        stale = [role for role in ROLES if role != want.role]
        aws.clients.ec2.create_tags(Resources=[have.id], Tags=[{"Key": ROLE_TAG + want.role, "Value": "1"}])
        if any(role in have.role.split(" and ") for role in stale):
            aws.clients.ec2.delete_tags(Resources=[have.id], Tags=[{"Key": ROLE_TAG + role} for role in stale])

    def delete(self, aws: Aws, have: SubnetFacts) -> None:
        """Waits while interfaces leave, and clears away what the CNI left behind."""
        with tolerating("InvalidSubnetID.NotFound"):
            eventually(
                aws,
                lambda: aws.clients.ec2.delete_subnet(SubnetId=have.id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                between=lambda: delete_leaked_interfaces(aws, have.id),
                held_by=lambda: self.blockers(aws, have),
            )

    def outputs(self, have: SubnetFacts) -> dict[str, str]:
        """The id, where it is and its range."""
        return {"id": have.id, "arn": have.arn, "zone": have.zone, "zone_id": have.zone_id, "cidr": have.cidr}

    def blockers(self, aws: Aws, have: SubnetFacts) -> tuple[str, ...]:
        """The network interfaces in it."""
        return tuple(map(named, interfaces(aws, where("subnet-id", have.id))))

    def _in_the_way(self, aws: Aws, want: SubnetFacts, error: ClientError) -> Item:
        """The subnet that has the range already, if it is this step's own. Raises: ProvisioningError, or `error`."""
        if code(error) != "InvalidSubnet.Conflict":
            raise error
        for item in self.load(aws, [where("vpc-id", want.vpc_id), where("cidr-block", want.cidr)]):
            owner = owner_in(item)
            if owner is not None and is_ours(owner, aws.owner) and owner.step == self.name:
                return item
        raise errors.ProvisioningError(
            f"{self.name}: the range {want.cidr} overlaps a subnet of {want.vpc_id} that is not this step's",
            "choose another network.vpc_cidr, or remove that subnet",
        ) from error


def delete_leaked_interfaces(aws: Aws, subnet_id: str) -> None:
    """Delete what the VPC CNI of this stack's cluster left behind: attached to nothing, and tagged as that CNI's.

    The cluster bears the stack's name. Interfaces of anyone else are never deleted.
    """
    for interface in interfaces(aws, where("subnet-id", subnet_id), where("status", "available")):
        tags = as_dict(interface.get("TagSet"))
        leaked = tags.get(CNI_CLUSTER_TAG) == aws.owner.stack and tags.get(CNI_OWNER_TAG) == CNI_OWNER
        if leaked and interface["Status"] == "available":
            with tolerating("InvalidNetworkInterfaceID.NotFound"):
                aws.clients.ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
