"""States in S3 under everything that a second writer, a lost answer or a poor store can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from support.memory_s3 import MemoryS3
from support.stores import BELOW, PLACE, STATE, Shop, s3_shop

from eksprov import errors
from eksprov.state.codec import decode

NEW, OTHER = STATE.with_choices({"a": "b"}), STATE.with_choices({"c": "d"})
KEY = f"{BELOW}demo.json"


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def shop(s3: MemoryS3) -> Shop:
    return s3_shop(s3, lambda: dict(s3.objects))


def test_of_two_writers_of_one_content_exactly_one_wins(shop: Shop, s3: MemoryS3) -> None:
    first, second = shop.process(1), shop.process(2)
    for before in (None, STATE):
        if before is not None:
            s3.objects.clear()
            shop.process(3).save(before)
        assert first.load() == second.load() == before
        first.save(NEW)
        with pytest.raises(errors.StateError, match=r"demo\.json has been changed by another writer") as caught:
            second.save(OTHER)
        assert "nothing was overwritten" in caught.value.message
        assert shop.process(3).load() == NEW
        with pytest.raises(errors.StateError, match="another writer"):
            second.forget()
        assert shop.process(3).load() == NEW


def test_what_was_never_read_is_never_overwritten(shop: Shop) -> None:
    shop.process(1).save(STATE)
    with pytest.raises(errors.StateError, match="another writer"):
        shop.process(2).save(NEW)


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_a_refused_write_names_who_holds_the_lock(shop: Shop, s3: MemoryS3, code: str) -> None:
    store = shop.process(1)
    store.save(STATE)
    with shop.process(2).lock("teardown"):
        s3.refuse["put_object"] = [code]
        with pytest.raises(errors.StateError, match=r"the lock is held by `eksprov teardown` \(pid 2"):
            store.save(NEW)
    assert shop.process(3).load() == STATE


def test_a_write_that_was_sent_twice_because_its_answer_was_lost_is_known_as_ours(shop: Shop, s3: MemoryS3) -> None:
    """botocore sends it again, and S3 refuses what it has done already."""

    def twice(operation: str, key: str, when: str) -> None:
        if (operation, key, when) == ("put_object", KEY, "after"):
            s3.refuse["put_object"] = ["PreconditionFailed"]
            s3.hook = lambda *_: None
            raise EndpointConnectionError(endpoint_url="s3")

    store = shop.process(1)
    for before, state in ((None, STATE), (STATE, NEW)):
        s3.hook = resending(s3, twice)
        store.save(state)
        assert shop.process(2).load() == state
        if before is not None:
            assert decode(shop.raw()["demo.json.bak"], "", "demo") == before
    store.save(OTHER)
    assert shop.process(2).load() == OTHER


def resending(s3: MemoryS3, hook: Callable[[str, str, str], None]) -> Callable[[str, str, str], None]:
    """As botocore does: the loss of an answer is followed by the same call, whose refusal is what the caller sees."""

    def around(operation: str, key: str, when: str) -> None:
        try:
            hook(operation, key, when)
        except EndpointConnectionError:
            getattr(s3, operation)(Bucket=s3.bucket, Key=key, Body=b"the same again")

    return around


@pytest.mark.parametrize("landed", [True, False])
def test_after_a_write_whose_fate_is_unknown_the_next_one_goes_on(shop: Shop, s3: MemoryS3, landed: bool) -> None:
    store = shop.process(1)
    store.save(STATE)

    def broken(operation: str, key: str, when: str) -> None:
        if (operation, key, when) == ("put_object", KEY, "after" if landed else "before"):
            s3.hook = lambda *_: None
            raise EndpointConnectionError(endpoint_url="s3")

    s3.hook = broken
    with pytest.raises(errors.ProvisioningError):
        store.save(NEW)
    store.save(NEW.with_choices({"e": "f"}))
    assert shop.process(2).load() == NEW.with_choices({"e": "f"})
    assert decode(shop.raw()["demo.json.bak"], "", "demo") == (NEW if landed else STATE)


@pytest.mark.parametrize("poor", [{"ignores": ["IfNoneMatch"]}, {"ignores": ["IfMatch"]}, {"lacks": ["put_if"]}])
def test_a_store_that_ignores_conditions_is_refused_before_the_first_lock(poor: dict[str, Any]) -> None:
    s3 = MemoryS3(**poor)
    shop = s3_shop(s3, lambda: dict(s3.objects))
    for _ in range(2):  # the object for trying is there the second time
        with pytest.raises(errors.StateError, match="does not honour conditional writes") as caught:
            shop.process(1).lock("provision").__enter__()
        assert caught.value.hint
    assert "demo.lock" not in shop.raw()


def test_trying_the_store_costs_two_calls_and_one_object(shop: Shop, s3: MemoryS3) -> None:
    for _ in range(3):
        s3.calls.clear()
        with shop.process(1).lock("provision"):
            pass
    assert [key.rsplit("/", 1)[1] for _, key in s3.calls].count(".eksprov-conditional-writes") == 2
    assert list(shop.raw()) == [".eksprov-conditional-writes"]


def test_a_store_without_conditional_delete_is_asked_for_a_plain_one() -> None:
    s3 = MemoryS3(lacks=["delete_if"])
    shop = s3_shop(s3, lambda: dict(s3.objects))
    store = shop.process(1)
    with store.lock("teardown"):
        store.save(STATE)
        store.forget()
    assert list(shop.raw()) == [".eksprov-conditional-writes"]


def test_a_bucket_that_does_not_exist_is_named_and_never_made(shop: Shop, s3: MemoryS3) -> None:
    s3.bucket = "other"
    for work in (shop.process(1).load, lambda: shop.process(1).lock("provision").__enter__()):
        with pytest.raises(errors.StateError, match="no bucket 'team'") as caught:
            work()
        assert "aws s3 mb s3://team" in caught.value.hint


def test_a_refusal_of_iam_is_an_access_error(shop: Shop, s3: MemoryS3) -> None:
    s3.refuse["get_object"] = ["AccessDenied"]
    with pytest.raises(errors.AccessError, match=r"could not read s3://team/stacks/eks/demo\.json"):
        shop.process(1).load()


def test_a_bucket_may_be_used_without_a_prefix(s3: MemoryS3) -> None:
    from eksprov.state.s3_store import S3Store

    for url in ("s3://team", "s3://team/"):
        s3.objects.clear()
        store = S3Store(lambda: s3, url, "demo", lambda: PLACE)  # type: ignore[arg-type, return-value]  # plays the client
        store.save(STATE)
        assert list(s3.objects) == ["123456789012/us-west-2/demo.json"]
        assert store.where() == "s3://team/123456789012/us-west-2/demo.json"
