"""What spot instances cost at present.

The price is a zone's own and moves
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html); an estimate takes the mean over
the stack's zones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from eksprov.aws.session import Aws
from eksprov.cost.table import Price

SOURCE = "EC2 spot price history"
PRODUCTS = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")


def ask(aws: Aws, item: str, zones: Iterable[str], now: datetime) -> Price | None:
    """The present price of "spot.<type>"; None where none of the zones has one. Raises: ClientError."""
    pages = aws.once.ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=[item.removeprefix("spot.")],  # type: ignore[list-item]  # the stubs' list of types is older
        ProductDescriptions=list(PRODUCTS),
        StartTime=now,
        EndTime=now,
    )
    return present(item, (entry for page in pages for entry in page["SpotPriceHistory"]), frozenset(zones), now)


def present(item: str, history: Iterable[Mapping[str, Any]], zones: frozenset[str], now: datetime) -> Price | None:
    """The mean of the newest price of each zone; all zones where `zones` names none."""
    newest: dict[str, tuple[Any, Decimal]] = {}
    for entry in history:
        zone = str(entry["AvailabilityZone"])
        if zones and zone not in zones:
            continue
        at, dollars = entry["Timestamp"], Decimal(entry["SpotPrice"])
        if dollars > 0 and (zone not in newest or at > newest[zone][0]):
            newest[zone] = (at, dollars)
    if not newest:
        return None
    mean = sum((price for _, price in newest.values()), Decimal(0)) / len(newest)
    return Price(item, mean, "hour", now.strftime("%Y-%m-%d"), SOURCE)
