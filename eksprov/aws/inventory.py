"""One listing a kind, made once a run and shared by all its steps.

Decisions read the shared listing; proofs ask for a fresh one. The listing is loaded by whoever asks first; others
wait for it, so a run makes one call however many threads ask at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

T = TypeVar("T")


class Inventory:
    """Listings by key; `lock` makes what a thread holds while it loads one."""

    def __init__(self, lock: Callable[[], AbstractContextManager[Any]] = threading.Lock) -> None:
        self._lock, self._new_lock = threading.Lock(), lock
        self._locks: dict[str, AbstractContextManager[Any]] = {}
        self._listings: dict[str, Any] = {}

    def listing(self, key: str, load: Callable[[], T], *, fresh: bool = False) -> T:
        """The listing `key`; `fresh` asks the world and leaves the shared listing as it is."""
        if fresh:
            return load()
        with self._lock:
            lock = self._locks.setdefault(key, self._new_lock())
        with lock:
            if key not in self._listings:
                self._listings[key] = load()
            listing: T = self._listings[key]
            return listing

    def forget(self) -> None:
        """Drop every shared listing; the next question asks the world."""
        with self._lock:
            self._listings.clear()
