"""Service Quotas: what the account was given, and AWS's defaults."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.servicequotas.responses import ServiceQuotasResponse

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.quotas import Known
from eksprov.local.aws.refusal import Refusal

_NAMES = {"ec2": "Amazon Elastic Compute Cloud (Amazon EC2)", "eks": "Amazon EKS", "vpc": "Amazon VPC"}


class LocalQuotasResponse(LocalResponse, ServiceQuotasResponse):
    """Answers every request to Service Quotas."""

    def __init__(self) -> None:
        super().__init__()
        self.automated_parameter_parsing = True

    def get_service_quota(self) -> Any:
        """GetServiceQuota: the applied value, if there is one."""
        quota = self._asked()
        value = self.world.quotas.applied(quota)
        if value is None:
            raise _missing()
        return ActionResult({"Quota": self._shape(quota, value)})

    def get_aws_default_service_quota(self) -> Any:
        quota = self._asked()
        return ActionResult({"Quota": self._shape(quota, quota.default)})

    def _asked(self) -> Known:
        quota = self.world.quotas.find(self._get_param("ServiceCode"), self._get_param("QuotaCode"))
        if quota is None:
            raise _missing()
        return quota

    def _shape(self, quota: Known, value: float) -> dict[str, Any]:
        return {
            "ServiceCode": quota.service,
            "ServiceName": _NAMES[quota.service],
            "QuotaArn": f"arn:{self.partition}:servicequotas:{self.region}:{ACCOUNT}:{quota.service}/{quota.code}",
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def _missing() -> Refusal:
    return Refusal("NoSuchResourceException", "The request failed because the specified resource doesn't exist.")
