"""A service-linked role of the account: made where it is missing, and the account's for ever.

A service makes most of these by itself: EKS its own and that of node groups, in the caller's name; node groups that of
Auto Scaling, which makes Spot's; and the cluster's role, in EKS Auto Mode, Spot's too (the managed policies
AWSServiceRoleForAmazonEKSNodegroup, AutoScalingServiceRolePolicy and AmazonEKSComputePolicy say so:
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html). Nobody makes Spot's for Karpenter,
whose nodes then never start
(https://karpenter.sh/docs/troubleshooting/#missing-service-linked-role).

The role has no tags and no owner: other stacks and people use it too, so it is never changed and never deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.faults import code, message
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.convergence.external import Part
from eksprov.core.step import Outputs, Owner, Timing
from eksprov.steps.absent import none_if

SPOT = "spot.amazonaws.com"
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
ROLES = {SPOT: "AWSServiceRoleForEC2Spot"}
GONE = "NoSuchEntity"


@dataclass(frozen=True)
class ServiceLinkedRoleFacts:
    """That it is there is all; nothing of it is the config's."""

    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ServiceLinkedRole(Part[Aws, ServiceLinkedRoleFacts]):
    """`slug` is the service, as IAM names it: "spot.amazonaws.com"; where the role is missing, it is made."""

    kind: ClassVar[str] = "service-linked-role"
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=2, delete_s=0.1)

    def desired(self, outputs: Outputs) -> ServiceLinkedRoleFacts:
        return ServiceLinkedRoleFacts()

    def describe(self, want: ServiceLinkedRoleFacts) -> str:
        """What is created, for the plan."""
        return f"of {self.slug}, shared by the whole account"

    def discover(self, aws: Aws, *, fresh: bool = False) -> ServiceLinkedRoleFacts | None:
        """Whoever made it: it is every stack's of the account, so this one's too."""
        found = none_if(lambda: aws.clients.iam.get_role(RoleName=ROLES[self.slug])["Role"], GONE)
        return None if found is None else ServiceLinkedRoleFacts(found["Arn"], aws.owner)

    def create(self, aws: Aws, want: ServiceLinkedRoleFacts, token: str) -> dict[str, str]:
        """One call; where somebody was faster, IAM says that the name is taken."""
        from botocore.exceptions import ClientError

        try:
            aws.clients.iam.create_service_linked_role(AWSServiceName=self.slug)
        except ClientError as error:
            if code(error) != "InvalidInput" or "has been taken" not in message(error):
                raise
        return {}

    def outputs(self, have: ServiceLinkedRoleFacts) -> dict[str, str]:
        return {"arn": have.arn}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """Of the services that the steps name; nobody deletes one."""
        services = place.slugs(cls.kind) or (SPOT,)
        roles = place.everywhere("iam", *(f"role/aws-service-role/{service}/*" for service in services))
        condition = (("StringEquals", "iam:AWSServiceName", services),)
        return Rights(
            read=on(roles, "iam:GetRole"),
            make=on(roles, "iam:CreateServiceLinkedRole", condition=condition),
        )
