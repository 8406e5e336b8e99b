"""What is in the account of endpoints and egress-only gateways; an endpoint on its way out is still there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _endpoints(client: Any) -> Iterable[Any]:
    for page in client("ec2").get_paginator("describe_vpc_endpoints").paginate():
        for endpoint in page["VpcEndpoints"]:
            named = {key: value for key, value in endpoint.items() if key not in ("DnsEntries", "CreationTimestamp")}
            yield {**named, "_id": endpoint["VpcEndpointId"]}


def _egress_only(client: Any) -> Iterable[Any]:
    for page in client("ec2").get_paginator("describe_egress_only_internet_gateways").paginate():
        for gateway in page["EgressOnlyInternetGateways"]:
            yield {**gateway, "_id": gateway["EgressOnlyInternetGatewayId"]}


READS = {"vpc-endpoint": _endpoints, "egress-only-internet-gateway": _egress_only}
