"""The Price List API: what AWS says that a thing costs today.

It answers in three regions only (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html), so
`aws.clients.pricing` asks us-east-1 whatever the stack's region is; the credentials of other partitions are unknown
there. One attempt, because prices are never worth a wait: the table serves as well. A product's price is taken only
where exactly one is left after the filters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from eksprov.aws.session import Aws
from eksprov.cost.table import Price, table

PARTITION = "aws"
SOURCE = "AWS Price List API"
UNITS = {
    **dict.fromkeys(("Hrs", "hours", "Hours"), "hour"),
    **dict.fromkeys(("Alarms", "GB-Mo", "GiBps-mo", "IOPS-Mo", "Keys"), "month"),
}

SPELT = {"hour": "Hrs", "month": "GB-Mo", "ebs.gp3-iops": "IOPS-Mo", "ebs.gp3-throughput": "GiBps-mo"}


@dataclass(frozen=True)
class Query:
    """How a thing is asked for; `ends` and `prefixed` pick its usage type among those that are left."""

    service: str
    filters: Mapping[str, str]
    ends: str


_GP3 = {"volumeApiName": "gp3"}
_NAT = {"productFamily": "NAT Gateway", "operation": "NatGateway"}
QUERIES: Mapping[str, Query] = {
    "eks.cluster": Query("AmazonEKS", {"operation": "CreateOperation"}, "AmazonEKS-Hours:perCluster"),
    "eks.extended-support": Query("AmazonEKS", {"operation": "ExtendedSupport"}, "AmazonEKS-Hours:extendedSupport"),
    "nat-gateway": Query("AmazonEC2", _NAT, "NatGateway-Hours"),
    "public-ipv4": Query("AmazonVPC", {"group": "VPCPublicIPv4Address"}, "PublicIPv4:InUseAddress"),
    "ebs.gp3": Query("AmazonEC2", _GP3, "EBS:VolumeUsage.gp3"),
    "ebs.gp3-iops": Query("AmazonEC2", _GP3, "EBS:VolumeP-IOPS.gp3"),
    "ebs.gp3-throughput": Query("AmazonEC2", _GP3, "EBS:VolumeP-Throughput.gp3"),
    "cloudwatch.alarm": Query("AmazonCloudWatch", {"productFamily": "Alarm"}, "CW:AlarmMonitorUsage"),
    "nlb": Query("AWSELB", {"productFamily": "Load Balancer-Network"}, "LoadBalancerUsage"),
    "vpc-endpoint": Query("AmazonVPC", {"productFamily": "VpcEndpoint"}, "VpcEndpoint-Hours"),
}


def query(item: str) -> Query | None:
    """How to ask for an item; None where this API has no price for it (spot prices)."""
    if not item.startswith("ec2."):
        return QUERIES.get(item)
    instance_type = item.removeprefix("ec2.")
    shape = {
        "instanceType": instance_type,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "preInstalledSw": "NA",
        "marketoption": "OnDemand",
    }
    return Query("AmazonEC2", shape, f"BoxUsage:{instance_type}")


def products() -> Iterator[dict[str, Any]]:
    """What this API would list if it knew the package's prices alone: for the local world, whose price list it is."""
    for (region, item), price in table().items():
        if (wanted := query(item)) is not None:
            yield {
                "service": wanted.service,
                "region": region,
                "attributes": dict(wanted.filters),
                "usage_type": wanted.ends,
                "unit": SPELT.get(item, SPELT[price.unit]),
                "usd": str(price.usd),
                "as_of": price.as_of,
                "source": price.source,
            }


def ask(aws: Aws, item: str) -> Price | None:
    """An item's price in the stack's region; None where the API has none, or several. Raises: ClientError."""
    wanted = query(item)
    if wanted is None or aws.clients.ec2.meta.partition != PARTITION:
        return None
    filters = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value}
        for name, value in {"regionCode": aws.region, **wanted.filters}.items()
    ]
    pages = aws.once.pricing.get_paginator("get_products").paginate(
        ServiceCode=wanted.service,
        Filters=filters,  # type: ignore[arg-type]  # plain dicts serve
    )
    return chosen(item, wanted, (json.loads(text) for page in pages for text in page["PriceList"]))


def chosen(item: str, wanted: Query, products: Iterable[Mapping[str, Any]]) -> Price | None:
    """The one price among the products; None where there is none, or where they differ."""
    found = {}
    for product in products:
        usage = str(product.get("product", {}).get("attributes", {}).get("usagetype", ""))
        if not _is(usage, wanted.ends):
            continue
        for unit, dollars in _dimensions(product):
            found[unit, dollars] = str(product.get("publicationDate", ""))[:10]
    if len(found) != 1:
        return None
    ((unit, dollars), day) = next(iter(found.items()))
    return Price(item, dollars, unit, day, SOURCE)


def _is(usage: str, ends: str) -> bool:
    """Whether a usage type is `ends`, alone (us-east-1) or behind the region's prefix ("USW2-")."""
    prefix = usage.removesuffix(ends)
    return usage.endswith(ends) and (not prefix or (prefix.endswith("-") and prefix.count("-") == 1))


def _dimensions(product: Mapping[str, Any]) -> Iterable[tuple[str, Decimal]]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            unit = UNITS.get(str(dimension.get("unit")))
            try:
                dollars = Decimal(str(dimension.get("pricePerUnit", {}).get("USD", "")))
            except InvalidOperation:
                continue
            if unit and dollars:
                yield unit, dollars
