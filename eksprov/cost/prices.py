"""A price for each item: what the API said lately, what it says now, else the package's table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.cost import cache, price_list, spot
from eksprov.cost.table import Price, from_table

Together = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


@dataclass(frozen=True)
class Book:
    """Prices by item, and why the API could not be asked, where it could not."""

    prices: Mapping[str, Price]
    note: str = ""


def offline(region: str, items: Iterable[str]) -> Book:
    found = {item: price for item in items if (price := from_table(region, item)) is not None}
    return Book(found)


def online(
    aws: Aws, items: Iterable[str], zones: Iterable[str], file: Path | None, now: float, together: Together
) -> Book:
    """From the cache and AWS, side by side; the package's table where AWS has no answer."""
    wanted, region = tuple(items), aws.region
    known = cache.load(file, region, now) if file is not None else {}
    prices = {item: known[item] for item in wanted if item in known}
    moment, troubles = datetime.fromtimestamp(now, UTC), []

    def ask(item: str) -> Price | str | None:
        try:
            with translated(f"ask for the price of {item}"):
                if item.startswith("spot."):
                    return spot.ask(aws, item, zones, moment)
                return price_list.ask(aws, item)
        except errors.EksprovError as error:
            return error.message

    missing = [item for item in wanted if item not in prices]
    asked: dict[str, Price] = {}
    for item, answer in zip(missing, together(ask, missing), strict=True):
        if isinstance(answer, Price):
            asked[item] = answer
        elif answer is not None:
            troubles.append(answer)
    if file is not None and (keep := {item: price for item, price in asked.items() if not item.startswith("spot.")}):
        cache.store(file, region, keep, now)
    fallback = offline(region, (item for item in wanted if item not in asked and item not in prices))
    return Book({**fallback.prices, **prices, **asked}, troubles[0] if troubles else "")
