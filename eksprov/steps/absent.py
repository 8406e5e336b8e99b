"""Reading what may not be there: an answer, or None for the codes that say "no such thing"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from eksprov.aws.faults import code

T = TypeVar("T")


def none_if(call: Callable[[], T], *codes: str) -> T | None:
    """What `call` gives, or None when AWS refuses it with one of these codes; any other refusal rises."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if code(error) in codes:
            return None
        raise
