"""Prices that the Price List API gave lately, on disk: a plan a minute costs one look-up a week.

One JSON file beside the other caches of the user, mode 0600: `{"schema": 1, "prices": {"us-west-2 ec2.m7i.large":
{"usd", "unit", "as_of", "source", "asked_at"}}}`. A file that cannot be read or written is no reason to fail: the API
is asked again.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from eksprov.cost.table import Price
from eksprov.home import home

SCHEMA = 1
FRESH_S = 7 * 86400.0


def default_path(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else home(environ) / ".cache") / "eksprov" / "prices.json"


def load(path: Path, region: str, now: float) -> dict[str, Price]:
    """The region's prices that are not too old, by item."""
    found: dict[str, Price] = {}
    for key, entry in _entries(path).items():
        place, _, item = key.partition(" ")
        with contextlib.suppress(KeyError, TypeError, ValueError, InvalidOperation):
            age = now - float(entry["asked_at"])
            price = Price(item, Decimal(str(entry["usd"])), str(entry["unit"]), entry["as_of"], entry["source"])
            if place == region and 0 <= age < FRESH_S and price.usd > 0:
                found[item] = price
    return found


def store(path: Path, region: str, prices: Mapping[str, Price], now: float) -> None:
    """Add prices to the file; the old ones of other regions stay."""
    entries = _entries(path)
    for item, price in prices.items():
        entries[f"{region} {item}"] = {
            "usd": str(price.usd),
            "unit": price.unit,
            "as_of": price.as_of,
            "source": price.source,
            "asked_at": now,
        }
    text = json.dumps({"schema": SCHEMA, "prices": dict(sorted(entries.items()))}, indent=1)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".prices-")  # mode 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)


def _entries(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = data.get("prices") if isinstance(data, dict) and data.get("schema") == SCHEMA else None
    return dict(entries) if isinstance(entries, dict) else {}
