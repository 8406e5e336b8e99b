"""Request throttling as EC2 does it: a bucket of tokens an action, in an account and region.

Sizes and refill rates are those of
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html. IAM's and EKS's are not published; theirs are
assumed, and marked so.
"""

from __future__ import annotations

from typing import Final

from eksprov.local.faults.wire import Asked

# Action: size, refill a second.
SPECIAL: Final = {
    "CreateNatGateway": (10.0, 1.0),
    "DeleteNatGateway": (10.0, 1.0),
    "CreateVpcEndpoint": (4.0, 0.3),
    "DeleteVpcEndpoints": (4.0, 0.3),
    "ModifyVpcEndpoint": (4.0, 0.3),
    "CreateTags": (100.0, 10.0),
    "RunInstances": (5.0, 2.0),
}
READING: Final = (100.0, 20.0)
CHANGING: Final = (50.0, 5.0)
UNFILTERED: Final = (50.0, 10.0)
ASSUMED: Final = {"iam": (20.0, 5.0), "eks": (20.0, 5.0)}
COSTLY: Final = frozenset({"DescribeInstances", "DescribeNetworkInterfaces", "DescribeSecurityGroups"})


class Buckets:
    """`takes` says whether a call is let through at a time, in seconds; `drained` names what ran dry."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}
        self.drained: list[str] = []

    def takes(self, call: Asked, now: float) -> bool:
        """One token, if there is one."""
        kind = self._kind(call)
        if kind is None:
            return True
        key, (size, rate) = kind
        left, since = self._left.get(key, (size, now))
        left = min(size, left + (now - since) * rate)
        let = left >= 1.0
        self._left[key] = (left - 1.0 if let else left, now)
        if not let:
            self.drained.append(key)
        return let

    def _kind(self, call: Asked) -> tuple[str, tuple[float, float]] | None:
        if call.service in ASSUMED:
            return f"{call.service}:{call.operation}", ASSUMED[call.service]
        if call.service != "ec2":
            return None
        if call.operation in SPECIAL:
            return call.operation, SPECIAL[call.operation]
        if call.mutating:
            return call.operation, CHANGING
        if call.operation in COSTLY and "Filter" not in call.body and "MaxResults" not in call.body:
            return f"{call.operation} unfiltered", UNFILTERED
        return call.operation, READING
