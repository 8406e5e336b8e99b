"""What every store promises, held to the file, to S3 in memory, and to moto's S3, which keeps conditions too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from support.memory_s3 import MemoryS3
from support.stores import STATE, Shop, file_shop, s3_shop

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.journal import Intent

CANARY = "AKIACANARYCANARYSECRET"


@pytest.fixture(params=["file", "memory", "moto"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    if request.param == "file":
        yield file_shop(tmp_path / "state")
    elif request.param == "memory":
        s3 = MemoryS3()
        yield s3_shop(s3, lambda: dict(s3.objects))
    else:
        with mock_aws():
            client = boto3.client("s3", region_name="us-east-1")
            client.create_bucket(Bucket="team")

            def raw() -> dict[str, bytes]:
                keys = [item["Key"] for item in client.list_objects_v2(Bucket="team").get("Contents", ())]
                return {key: client.get_object(Bucket="team", Key=key)["Body"].read() for key in keys}

            yield s3_shop(client, raw)


def test_what_is_saved_is_what_every_process_loads(shop: Shop) -> None:
    first = shop.process(1)
    assert first.load() is None
    first.save(STATE)
    assert first.load() == shop.process(2).load() == STATE


def test_one_process_holds_the_stack_and_the_others_are_told_which(shop: Shop) -> None:
    first, second = shop.process(1), shop.process(2)
    assert first.holder() is None
    with first.lock("provision"):
        with pytest.raises(errors.StateError, match=r"`eksprov provision` \(pid 1 on laptop, ana, since 20") as caught:
            second.lock("teardown").__enter__()
        assert caught.value.hint
        holder = second.holder()
        assert holder is not None
        assert (holder.command, holder.pid) == ("provision", 1)
        assert not first.lost()
    assert second.holder() is None
    with second.lock("teardown"):
        pass


def test_a_run_that_fails_gives_the_lock_back(shop: Shop) -> None:
    with pytest.raises(ZeroDivisionError), shop.process(1).lock("provision"):
        raise ZeroDivisionError
    with shop.process(2).lock("provision"):
        pass


def test_one_backup_is_the_state_before(shop: Shop) -> None:
    store = shop.process()
    for serial in "abc":
        store.save(STATE.with_choices({"a": serial}))
    assert decode(shop.raw()["demo.json.bak"], "", "demo") == STATE.with_choices({"a": "b"})


def test_forgetting_leaves_no_state_and_may_be_repeated(shop: Shop) -> None:
    store = shop.process()
    store.forget()
    store.save(STATE)
    store.save(STATE.with_choices({"a": "b"}))
    with store.lock("teardown"):
        store.forget()
        store.forget()
    assert not {"demo.json", "demo.json.bak"} & shop.raw().keys()
    assert store.load() is None
    store.save(STATE)
    assert shop.process(2).load() == STATE


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "damaged"), (encode(STATE)[:-90], "damaged"), (encode(STATE).replace(b"vpc-1", b"vpc-3"), "damaged")],
)
def test_a_damaged_state_is_refused_and_the_whole_backup_is_named_and_kept(shop: Shop, data: bytes, says: str) -> None:
    store = shop.process()
    store.save(STATE)
    store.save(STATE.with_choices({"a": "b"}))
    shop.write("demo.json", data)
    with pytest.raises(errors.StateError, match=says) as caught:
        store.load()
    assert "found by its tags" in caught.value.hint
    assert "demo.json.bak (serial 0, whole), with `eksprov state push FILE --force`" in caught.value.hint
    assert shop.raw()["demo.json"] == data
    store.save(STATE)  # what `state push --force` does
    assert store.load() == STATE
    assert decode(shop.raw()["demo.json.bak"], "", "demo") == STATE


def test_a_damaged_backup_is_not_recommended(shop: Shop) -> None:
    store = shop.process()
    store.save(STATE)
    for name in ("demo.json", "demo.json.bak"):
        shop.write(name, b"{")
    with pytest.raises(errors.StateError) as caught:
        shop.process().load()
    assert ".bak" not in caught.value.hint


def test_an_intent_is_open_for_everybody_until_it_has_landed(shop: Shop) -> None:
    store = shop.process(1)
    steps = ("vpc", "node-group/a", "odd/ä %2F name", "internet-gateway")
    intents = {step: Intent(step, "create", 1, "t" * 64, "f" * 64) for step in steps}
    with store.lock("provision"):
        journal = store.journal()
        for intent in intents.values():
            journal.intend(intent)
        assert shop.process(2).journal().open_intents() == journal.open_intents() == intents
        journal.landed("vpc", {"id": "vpc-1"})
        journal.landed("vpc", {})
        assert shop.process(2).journal().open_intents().keys() == intents.keys() - {"vpc"}
        for step in steps:
            journal.landed(step, {})
        journal.clear()
    assert not [name for name in shop.raw() if "journal" in name]


def test_a_damaged_intent_is_one_clear_error(shop: Shop) -> None:
    store = shop.process()
    store.journal().intend(Intent("vpc", "create", 1, "t", "f"))
    name = next(name for name in shop.raw() if "journal" in name)
    shop.write(name, b'{"do": "intend"}\n')
    with pytest.raises(errors.StateError, match="damaged") as caught:
        store.journal().open_intents()
    assert "found by its tags" in caught.value.hint


def test_no_secret_of_the_process_is_ever_stored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABASE_PASSWORD"):
        monkeypatch.setenv(name, CANARY)
    store = shop.process()
    with store.lock("provision"):
        store.save(STATE)
        store.save(STATE.with_choices({"a": "b"}))
        store.journal().intend(Intent("vpc", "create", 1, STATE.token("vpc"), "f"))
        stored = shop.raw()
    assert len(stored) >= 4
    assert not [name for name, data in stored.items() if CANARY.encode() in data]
