"""The journal of a stack whose state is in S3: one object for each open intent, gone once its result is known.

S3 answers a write when it is durable, and every later reading and listing shows it
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel): so a write before the call is the
same promise as a line that was fsynced. While the lock is not ours any more nothing is written: the call is not made,
and an intent that is open stays so for whoever has the lock now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from urllib.parse import quote

from eksprov import errors
from eksprov.state.journal import Intent
from eksprov.state.s3_objects import Objects


class S3Journal:
    """`<prefix><step>.json`, `prefix` asked once it is needed; `now` gives UTC as text.

    `must_hold` raises StateError when the lock is lost.
    """

    def __init__(
        self, objects: Objects, prefix: Callable[[], str], must_hold: Callable[[], None], now: Callable[[], str]
    ) -> None:
        self._objects, self._prefix, self._must_hold, self._now = objects, prefix, must_hold, now

    def open_intents(self) -> dict[str, Intent]:
        """Intents without a result, by step. Raises: StateError when one is damaged."""
        found = [self._read(key) for key in self._objects.keys(self._prefix())]
        return {intent.step: intent for intent in found if intent is not None}

    def intend(self, intent: Intent) -> None:
        """Write down a call before it is made. Raises: StateError, AccessError, ProvisioningError; don't call then."""
        self._must_hold()
        data = json.dumps({"do": "intend", **asdict(intent), "at": self._now()}, indent=1).encode() + b"\n"
        self._objects.put_always(self._key(intent.step), data)

    def landed(self, step: str, outputs: Mapping[str, str]) -> None:
        """A step's resource exists: its intent is settled. Raises: StateError, AccessError, ProvisioningError."""
        self._must_hold()
        self._objects.delete(self._key(step))

    def clear(self) -> None:
        """What is settled is gone already."""

    def _key(self, step: str) -> str:
        return f"{self._prefix()}{quote(step, safe='')}.json"

    def _read(self, key: str) -> Intent | None:
        found = self._objects.get(key)
        if found is None:  # settled since it was listed
            return None
        try:
            entry = json.loads(found.data)
            del entry["do"], entry["at"]
            return Intent(**entry)
        except (ValueError, KeyError, TypeError) as error:
            raise errors.StateError(
                f"{self._objects.where(key)} is damaged",
                "delete the object and run the same command again: what exists is found by its tags",
            ) from error
