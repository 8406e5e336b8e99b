"""Where a price comes from: the cache, the Price List API, the table; and what is done when AWS does not answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.stage import Stage

from eksprov.core.step import Owner
from eksprov.cost import cache, price_list, spot
from eksprov.cost.prices import online
from eksprov.cost.table import Price, from_table, table

NOW = 1_800_000_000.0
REGION = "us-west-2"


def together(act: Any, items: Any) -> list[Any]:
    return [act(item) for item in items]


def ask(stage: Stage, file: Path | None, *items: str, now: float = NOW) -> Any:
    stage.tape.rewind()
    return online(stage.aws(Owner("demo", "")), items, ("us-west-2a", "us-west-2b"), file, now, together)


def product(usage: str, dollars: str, unit: str = "Hrs") -> dict[str, Any]:
    """A product as the API lists it."""
    rate = {"unit": unit, "pricePerUnit": {"USD": dollars}}
    return {
        "product": {"attributes": {"usagetype": usage}},
        "terms": {"OnDemand": {"a": {"priceDimensions": {"b": rate}}}},
        "publicationDate": "2026-09-25T17:45:21Z",
    }


def test_the_api_gives_every_price_that_the_table_has(stage: Stage) -> None:
    items = [item for region, item in table() if region == REGION and price_list.query(item) is not None]
    book = ask(stage, None, *items)
    assert {item: price.usd for item, price in book.prices.items()} == {
        item: found.usd for item in items if (found := from_table(REGION, item)) is not None
    }
    assert {price.source for price in book.prices.values()} == {price_list.SOURCE}
    assert book.note == ""
    assert {call.operation for call in stage.tape.calls} == {"GetProducts"}


def test_the_usage_type_is_the_regions_own_and_nobody_elses() -> None:
    wanted = price_list.QUERIES["nat-gateway"]
    ours = product("USW2-NatGateway-Hours", "0.0450000000")
    others = [product("USW2-NatGateway-Bytes", "0.045", "GB"), product("USW2-LAX1-NatGateway-Hours", "0.09")]
    found = price_list.chosen("nat-gateway", wanted, [ours, *others])
    assert found == Price("nat-gateway", Decimal("0.0450000000"), "hour", "2026-09-25", price_list.SOURCE)
    assert price_list.chosen("nat-gateway", wanted, [product("NatGateway-Hours", "0.045")]) is not None


def test_two_prices_are_none() -> None:
    wanted = price_list.QUERIES["nat-gateway"]
    two = [product("NatGateway-Hours", "0.045"), product("USE1-NatGateway-Hours", "0.05")]
    assert price_list.chosen("nat-gateway", wanted, two) is None
    assert price_list.chosen("nat-gateway", wanted, []) is None
    assert price_list.chosen("nat-gateway", wanted, [product("NatGateway-Hours", "0.0")]) is None


def test_a_price_that_was_asked_for_is_not_asked_for_again_for_a_week(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "prices.json"
    first = ask(stage, file, "nat-gateway")
    assert len(stage.tape.calls) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    again = ask(stage, file, "nat-gateway", now=NOW + cache.FRESH_S - 1)
    assert stage.tape.calls == []
    assert again.prices == first.prices
    ask(stage, file, "nat-gateway", now=NOW + cache.FRESH_S + 1)
    assert len(stage.tape.calls) == 1


def test_a_damaged_cache_is_as_good_as_none(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    for damage in ("{", "[]", '{"schema": 9}', '{"schema": 1, "prices": {"us-west-2 nat-gateway": {"usd": "x"}}}'):
        file.write_text(damage)
        assert ask(stage, file, "nat-gateway").prices["nat-gateway"].usd == Decimal("0.045")
        assert len(stage.tape.calls) == 1
    assert json.loads(file.read_text())["schema"] == cache.SCHEMA


def test_a_price_of_nothing_is_no_price(stage: Stage, tmp_path: Path) -> None:
    """Wherever it comes from: nothing that is billed is free."""
    file = tmp_path / "prices.json"
    cache.store(file, REGION, {"nat-gateway": Price("nat-gateway", Decimal(0), "hour", "2026-09-25", "x")}, NOW)
    assert cache.load(file, REGION, NOW) == {}
    assert ask(stage, file, "nat-gateway").prices["nat-gateway"].usd == Decimal("0.045")
    now = datetime(2026, 11, 2, tzinfo=UTC)
    free = {"AvailabilityZone": "a", "SpotPrice": "0.0", "Timestamp": now}
    assert spot.present("spot.g5.xlarge", [free], frozenset({"a"}), now) is None


def test_a_region_has_prices_of_its_own(tmp_path: Path) -> None:
    price = Price("nat-gateway", Decimal("0.045"), "hour", "2026-09-25", price_list.SOURCE)
    cache.store(tmp_path / "p", "us-west-2", {"nat-gateway": price}, NOW)
    assert cache.load(tmp_path / "p", "us-west-2", NOW) == {"nat-gateway": price}
    assert cache.load(tmp_path / "p", "eu-west-1", NOW) == {}


def test_the_cache_follows_the_users_environment() -> None:
    assert cache.default_path({"XDG_CACHE_HOME": "/x"}) == Path("/x/eksprov/prices.json")
    assert cache.default_path({"HOME": "/home/me"}) == Path("/home/me/.cache/eksprov/prices.json")


def test_who_may_not_ask_gets_the_table_and_is_told(stage: Stage) -> None:
    stage.tape.rewind()
    stage.tape.refuse("GetProducts", "AccessDeniedException", "no pricing for you")
    book = online(stage.aws(Owner("demo", "")), ["nat-gateway"], (), None, NOW, together)
    assert book.prices["nat-gateway"] == from_table(REGION, "nat-gateway")
    assert "no pricing for you" in book.note


def test_what_neither_knows_has_no_price(stage: Stage) -> None:
    assert ask(stage, None, "ec2.x1.16xlarge", "unheard-of").prices == {}


def test_a_spot_price_is_the_mean_of_the_newest_of_our_zones(stage: Stage) -> None:
    def entry(zone: str, dollars: str, hour: int) -> dict[str, Any]:
        at = datetime(2026, 11, 1, hour, tzinfo=UTC)
        return {"AvailabilityZone": zone, "SpotPrice": dollars, "Timestamp": at}

    history = [entry("a", "0.10", 1), entry("a", "0.20", 2), entry("b", "0.40", 1), entry("c", "9", 1)]
    found = spot.present("spot.g5.xlarge", history, frozenset({"a", "b"}), datetime(2026, 11, 2, tzinfo=UTC))
    assert found == Price("spot.g5.xlarge", Decimal("0.30"), "hour", "2026-11-02", spot.SOURCE)
    assert spot.present("spot.g5.xlarge", history, frozenset({"z"}), datetime(2026, 11, 2, tzinfo=UTC)) is None
    assert ask(stage, None, "spot.g5.xlarge").prices["spot.g5.xlarge"].source == spot.SOURCE


def test_spot_prices_are_never_cached(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    ask(stage, file, "spot.g5.xlarge")
    ask(stage, file, "spot.g5.xlarge")
    assert [call.operation for call in stage.tape.calls] == ["DescribeSpotPriceHistory"]
