"""Service Quotas: what an account of the local world may use of EC2, VPC and EKS.

The first values are wide, so that nothing is in the way of a machine that spends nothing; `world.quotas.set` narrows
one, as on a new account, whose default for GPU instances is 0. A quota that was never set for the account has no
applied value: GetServiceQuota answers NoSuchResourceException and GetAWSDefaultServiceQuota the default
(https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html). The defaults are those of
https://docs.aws.amazon.com/general/latest/gr/ec2-service.html and of the VPC's and EKS' own pages.
"""

from __future__ import annotations

from dataclasses import dataclass

WIDE = 10_000.0  # of this world's account: vCPUs, addresses, VPCs


@dataclass(frozen=True)
class Known:
    """One quota: AWS's default, and the value set for this account (None: none was)."""

    service: str
    code: str
    name: str
    default: float
    applied: float | None = None


QUOTAS = (
    Known("ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, WIDE),
    Known("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances", 0, WIDE),
    Known("ec2", "L-417A185B", "Running On-Demand P instances", 0, WIDE),
    Known("ec2", "L-1945791B", "Running On-Demand Inf instances", 0, WIDE),
    Known("ec2", "L-2C3B7624", "Running On-Demand Trn instances", 0, WIDE),
    Known("ec2", "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5, WIDE),
    Known("ec2", "L-3819A6DF", "All G and VT Spot Instance Requests", 0, WIDE),
    Known("ec2", "L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", 0, WIDE),
    Known("ec2", "L-C4BD4855", "All P5 Spot Instance Requests", 0, WIDE),
    Known("ec2", "L-B5D1601B", "All Inf Spot Instance Requests", 0, WIDE),
    Known("ec2", "L-6B0D517C", "All Trn Spot Instance Requests", 0, WIDE),
    Known("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, WIDE),
    Known("vpc", "L-F678F1CE", "VPCs per Region", 5, WIDE),
    Known("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5),
    Known("eks", "L-1194D53C", "Clusters", 100),
    Known("eks", "L-6D54EA21", "Managed node groups per cluster", 30),
    Known("eks", "L-BD136A63", "Nodes per managed node group", 450),
)


class Quotas:
    """The values of one account, alike in all regions."""

    def __init__(self) -> None:
        self._known = {quota.code: quota for quota in QUOTAS}
        self._set: dict[str, float | None] = {}

    def set(self, code: str, value: float | None) -> None:
        """Give the account a value of its own; None: AWS's default. Raises: KeyError for an unknown code."""
        self._set[self._known[code].code] = value

    def only(self, values: dict[str, float]) -> None:
        """Give the account these values and no others of its own. Raises: KeyError for an unknown code."""
        self._set = {self._known[code].code: value for code, value in values.items()}

    def limit(self, code: str) -> float | None:
        """What instances may not exceed: the value of a quota that was given one; None where nobody did."""
        if code not in self._set:
            return None
        value = self._set[code]
        return self._known[code].default if value is None else value

    def find(self, service: str, code: str) -> Known | None:
        quota = self._known.get(code)
        return quota if quota is not None and quota.service == service else None

    def applied(self, quota: Known) -> float | None:
        """The value set for the account."""
        return self._set.get(quota.code, quota.applied)
