"""What others have put into a VPC or subnet of ours, which keeps it from being deleted: named at once, never touched.

GuardDuty's runtime monitoring makes an endpoint in the VPC of a cluster that it watches, and a security group for it;
both stay until it is switched off there
(https://docs.aws.amazon.com/guardduty/latest/ug/using-iac-with-gdu-automated-agents-runtime-monitoring.html).
"""

from __future__ import annotations

from collections.abc import Callable

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import is_ours
from eksprov.steps.network.ec2 import Item, owner_in, where

GRACE_S = 60.0  # what is on its way out may still be listed
GUARDDUTY_SERVICE, GUARDDUTY_GROUP = ".guardduty-data", "GuardDutyManagedSecurityGroup-"
USUAL_HINT = "remove it, or let its owner do so; then run the same command again"
GUARDDUTY_HINT = (
    "GuardDuty's runtime monitoring has made it: switch that off here, or tag the next cluster GuardDutyManaged=false; "
    "delete the endpoint and then its security group, and run the same command again "
    "(https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-resource-clean-up.html)"
)


def foreign_endpoints(aws: Aws, vpc_id: str, subnet_id: str = "") -> list[str]:
    """The VPC endpoints there that are not this stack's, in words; of one subnet, those with an interface in it."""
    pages = aws.clients.ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=[where("vpc-id", vpc_id)])
    found: list[Item] = [dict(endpoint) for page in pages for endpoint in page["VpcEndpoints"]]
    gone = ("deleted", "deleting")
    return [
        f"VPC endpoint {endpoint['VpcEndpointId']} ({endpoint['ServiceName']})"
        for endpoint in found
        if not is_ours(owner_in(endpoint), aws.owner)
        and endpoint.get("State", "").lower() not in gone
        and (not subnet_id or subnet_id in (endpoint.get("SubnetIds") or ()))
    ]


def refusing(aws: Aws, name: str, held: str, look: Callable[[], list[str]]) -> Callable[[], None]:
    """What to call while waiting for `held` to become free: it raises once what others own has been there for a while.

    Raises: ProvisioningError naming it, with the cure.
    """
    began = aws.clock.now()

    def refuse() -> None:
        if aws.clock.now() - began > GRACE_S / aws.speed and (found := look()):
            guardduty = any(GUARDDUTY_SERVICE in text or GUARDDUTY_GROUP in text for text in found)
            raise errors.ProvisioningError(
                f"{name}: {held} holds {', '.join(found)}, which is not this stack's; both were left",
                GUARDDUTY_HINT if guardduty else USUAL_HINT,
            )

    return refuse
