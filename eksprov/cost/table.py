"""The prices that come with eksprov: `prices.csv`, each row with its region, its date and a public source.

Prices in US dollars before taxes, on demand, Linux, shared tenancy. `as_of` is the day on which the source, or a public
reading of it, said so. They serve where the Price List API cannot be asked; a price that is not in here is unknown.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources

HOURS_A_MONTH = Decimal(730)  # as AWS's own calculator counts (https://docs.aws.amazon.com/pricing-calculator/)


@dataclass(frozen=True)
class Price:
    """Dollars for one hour or one month of one of something."""

    item: str
    usd: Decimal
    unit: str  # "hour" or "month"
    as_of: str
    source: str

    @property
    def usd_hour(self) -> Decimal:
        """The price of an hour."""
        return self.usd if self.unit == "hour" else self.usd / HOURS_A_MONTH


@functools.cache
def table() -> dict[tuple[str, str], Price]:
    """Every price of the package, by region and item."""
    sources = {row["source"]: row for row in _rows("sources.csv")}
    found = {}
    for row in _rows("prices.csv"):
        source = sources[row["source"]]
        price = Price(row["item"], Decimal(row["usd"]), row["unit"], source["as_of"], source["url"])
        found[row["region"], row["item"]] = price
    return found


def from_table(region: str, item: str) -> Price | None:
    """The price, or None where it is not known here."""
    return table().get((region, item))


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("eksprov.cost").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
