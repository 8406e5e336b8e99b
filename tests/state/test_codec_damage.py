"""Damage of every kind is told from a state: flipped bits, wrong types, older and newer schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.stores import STATE

from eksprov import errors
from eksprov.state.codec import decode, encode


def test_no_flipped_bit_reads_as_another_state() -> None:
    """Law, over every bit: an error, or (nowhere so far) the same state."""
    data = encode(STATE)
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            try:
                assert decode(bytes(flipped), "x", "demo") == STATE
            except errors.StateError:
                continue


def body(**more: Any) -> bytes:
    """A state without its sum, as made by hand."""
    whole = json.loads(encode(STATE))
    del whole["sha256"]
    return json.dumps({**whole, **more}).encode()


def test_a_hand_made_state_needs_no_sum_and_an_edited_one_need_not_agree() -> None:
    assert decode(body(), "x", "demo") == STATE
    edited = encode(STATE).replace(b"vpc-1", b"vpc-3")
    with pytest.raises(errors.StateError, match="damaged"):
        decode(edited, "x", "demo")
    assert decode(edited, "x", "demo", edited=True).steps["vpc"].outputs == {"id": "vpc-3"}


@pytest.mark.parametrize(
    "data",
    [
        body(serial="1"),
        body(serial=True),
        body(account=123456789012),
        body(choices=["a"]),
        body(choices={"a": 1}),
        body(generations={"vpc": "1"}),
        body(steps=[]),
        body(steps={"vpc": None}),
        body(steps={"vpc": {"kind": "vpc", "slug": "v", "needs": "abc", "outlives": []}}),
        body(steps={"vpc": {"kind": "vpc", "slug": "v", "needs": [1], "outlives": []}}),
        body(steps={"vpc": {"kind": "vpc", "slug": "v", "needs": [], "outlives": [], "outputs": {"id": {}}}}),
        body(schema=True),
        body(schema="1"),
        body(schema=None),
        body(more=1),
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_field_of_the_wrong_type_is_damage(data: bytes) -> None:
    with pytest.raises(errors.StateError, match="x is damaged"):
        decode(data, "x", "demo")


def test_an_older_schema_is_refused_by_its_number() -> None:
    with pytest.raises(errors.StateError, match="x has schema 0, which no eksprov reads") as caught:
        decode(body(schema=0), "x", "demo")
    assert "found by its tags" in caught.value.hint
