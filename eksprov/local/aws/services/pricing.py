"""The Price List API, which moto does not have: GetProducts for the products that the world was given.

The answers have the shape of https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
with the attributes of the products and their dates. A product that was not given is not in the list, as with AWS; a
service that has none answers NotFoundException. moto finds services as modules of its own, so
this registers three of that name.
"""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType
from typing import Any

import moto
from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal
from eksprov.local.contract import Product

NAME = "pricing"
# The real host, and the one that the server makes of the signature's service and region.
HOST = r"https?://(api\.)?pricing\.(.+)\.amazonaws\.com"
PREFIXES = {"us-east-1": "", "us-west-2": "USW2-", "eu-west-1": "EU-"}
LARGEST_PAGE = 100


class PricingBackend(BaseBackend):
    """Keeps nothing: the world has the products."""


class LocalPricingResponse(LocalResponse):
    """Answers every request to the Price List API."""

    def __init__(self) -> None:
        super().__init__(service_name=NAME)
        self.automated_parameter_parsing = True

    def call_action(self) -> Any:
        """GetProducts, or an error that says what is not there."""
        if self._get_action() != "GetProducts":
            return self.refused(
                Refusal("NotEmulatedException", f"The local AWS does not emulate pricing:{self._get_action()}", 501)
            )
        return super().call_action()

    def get_products(self) -> Any:
        """GetProducts: those that pass every filter."""
        service = str(self._get_param("ServiceCode"))
        offered = [_listed(product) for product in self.world.products if product.service == service]
        if not offered:
            raise Refusal("NotFoundException", f"The local AWS has no prices of service {service}")
        filters = {each["Field"]: each["Value"] for each in self._get_param("Filters", [])}
        found = [product for product in offered if filters.items() <= product["product"]["attributes"].items()]
        start = int(self._get_param("NextToken") or 0)
        end = start + min(int(self._get_param("MaxResults") or LARGEST_PAGE), LARGEST_PAGE)
        more = {"NextToken": str(end)} if end < len(found) else {}
        page = [json.dumps(product) for product in found[start:end]]
        return ActionResult({"FormatVersion": "aws_v1", "PriceList": page, **more})


def register() -> None:
    """Make the service known to moto in this process; once is enough."""
    if f"moto.{NAME}" in sys.modules:
        return
    package, models, urls = (ModuleType(f"moto.{NAME}{end}") for end in ("", ".models", ".urls"))
    PricingBackend.__module__ = models.__name__  # moto looks for `urls` beside the backend's module
    backends = BackendDict(PricingBackend, NAME, use_boto3_regions=False, additional_regions=["us-east-1"])
    vars(urls).update(url_bases=[HOST], url_paths={"{0}/$": LocalPricingResponse.dispatch})
    vars(models).update(PricingBackend=PricingBackend, pricing_backends=backends)
    vars(package).update(models=models, urls=urls, pricing_backends=backends, __path__=[])
    sys.modules.update({module.__name__: module for module in (package, models, urls)})
    setattr(moto, NAME, package)
    backend_index.backend_url_patterns.append((NAME, re.compile(HOST)))


def _listed(product: Product) -> dict[str, Any]:
    attributes = {
        "regionCode": product.region,
        **product.attributes,
        "usagetype": f"{PREFIXES.get(product.region, '')}{product.usage_type}",
    }
    dimension = {"unit": product.unit, "description": product.source, "pricePerUnit": {"USD": product.usd}}
    return {
        "product": {"productFamily": attributes.get("productFamily", ""), "attributes": attributes},
        "serviceCode": product.service,
        "terms": {"OnDemand": {"term": {"priceDimensions": {"rate": dimension}}}},
        "publicationDate": f"{product.as_of}T00:00:00Z",
    }
