"""Spot capacity in the local world: placement scores, and prices that are a share of the on-demand price.

A zone's spot price is made up here: 35 % of the on-demand price of the world's products, a little dearer from zone to
zone; what is not among them has no history, as a type that a region lacks. Scores are 9 unless `world.spot_scores` says
otherwise (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSpotPlacementScores.html).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal

SHARE, STEP = Decimal("0.35"), Decimal("0.01")
USUAL_SCORE = 9


class SpotMixin(LocalResponse):
    """GetSpotPlacementScores and DescribeSpotPriceHistory, for EC2's response class."""

    ec2_backend: Any

    def get_spot_placement_scores(self) -> Any:
        """One score a region; with SingleAvailabilityZone one a zone."""
        types = self._get_param("InstanceTypes", [])
        if not types:
            raise Refusal("MissingParameter", "The request must contain InstanceTypes or InstanceRequirements")
        if int(self._get_param("TargetCapacity") or 0) < 1:
            raise Refusal("InvalidParameterValue", "TargetCapacity must be at least 1")
        score = min((self.world.spot_scores.get(name, USUAL_SCORE) for name in types), default=USUAL_SCORE)
        regions = self._get_param("RegionNames", []) or [self.region]
        if not self._get_param("SingleAvailabilityZone", False):
            scores = [{"Region": name, "Score": score} for name in regions]
        else:
            zones = [zone.zone_id for zone in self.ec2_backend.describe_availability_zones()]
            scores = [{"Region": self.region, "AvailabilityZoneId": zone, "Score": score} for zone in zones]
        return ActionResult({"SpotPlacementScores": scores})

    def describe_spot_price_history(self) -> Any:
        """The present price of each type in each zone."""
        types = self._get_param("InstanceTypes", [])
        now = datetime.fromtimestamp(self.world.now(), UTC)
        on_demand = {
            product.attributes["instanceType"]: Decimal(product.usd)
            for product in self.world.products
            if product.region == self.region and "instanceType" in product.attributes
        }
        history = []
        for index, zone in enumerate(self.ec2_backend.describe_availability_zones()):
            for name in types:
                if (usd := on_demand.get(name)) is not None:
                    entry = {
                        "InstanceType": name,
                        "ProductDescription": "Linux/UNIX",
                        "SpotPrice": f"{usd * (SHARE + STEP * index):.6f}",
                        "AvailabilityZone": zone.name,
                        "Timestamp": now,
                    }
                    history.append(entry)
        return ActionResult({"SpotPriceHistory": history})
