"""Load balancers: moto's, with target groups that know when their last load balancer has gone."""

from __future__ import annotations

from typing import Any

from moto.elb.responses import ELBResponse
from moto.elbv2.responses import ELBV2Response

from eksprov.local.aws.base import LocalResponse


class LocalElbv2Response(LocalResponse, ELBV2Response):
    """Answers every request to Elastic Load Balancing."""

    def delete_load_balancer(self) -> Any:
        """DeleteLoadBalancer; its target groups are free then
        (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html)."""
        answer = super().delete_load_balancer()
        for group in self.elbv2_backend.target_groups.values():
            gone = [arn for arn in group.load_balancer_arns if arn not in self.elbv2_backend.load_balancers]
            for arn in gone:
                group.load_balancer_arns.remove(arn)
        return answer


class LoadBalancing:
    """Answers for both generations of load balancers, at one address; the version in the request tells them apart."""

    @staticmethod
    def api_version_elb_backend(request: Any, *more: Any, **others: Any) -> Any:
        """Answer in moto's place, under moto's name."""
        classic = request.values.get("Version") == "2012-06-01"
        return (ELBResponse if classic else LocalElbv2Response).dispatch(request, *more, **others)
