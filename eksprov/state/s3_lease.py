"""The lock of a stack whose state is in S3: an object that only one can make, with a lease that its holder renews.

A holder that dies leaves the object behind. It is never taken silently: only when the lease is over *and* the holder
is a process of this very host that is known to have ended, or when a person says `eksprov state unlock`. Clocks of two
hosts may differ by minutes, so a lease that looks over may not be; for another host's holder a person has to judge.

The holder renews every third of the lease, from a thread of its own. When a renewal is refused, another holds the
stack: nothing new may begin and nothing may be written.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from eksprov import errors
from eksprov.state.holder import Holder, Me, stamp
from eksprov.state.s3_objects import Found, Objects, StaleObjectError

LEASE_S = 60.0
UNLOCK = "eksprov state unlock"


class LeaseClock(Protocol):
    """The time that leases are reckoned by: real, or a test's."""

    def utc(self) -> float: ...

    def wait(self, over: threading.Event, seconds: float) -> bool:
        """Wait until `over` is set, or so long; whether it is set."""
        ...


class WallClock:
    """The machine's own clock, by which leases are dated."""

    def utc(self) -> float:
        return time.time()

    def wait(self, over: threading.Event, seconds: float) -> bool:
        return over.wait(seconds)


@dataclass(frozen=True)
class Held:
    """What was last known of a lock of ours."""

    holder: Holder
    until: float  # end of the lease, seconds since the epoch by our clock
    etag: str  # the lock object's in S3, which the next write must match


class S3Lease:
    """One process's hold on one lock object. `lost` is called, once, from the renewing thread; `say` shows a line."""

    def __init__(
        self,
        objects: Objects,
        key: str,
        me: Me,
        clock: LeaseClock,
        *,
        lost: Callable[[], None],
        say: Callable[[str], None],
        lease_s: float = LEASE_S,
    ) -> None:
        self._objects, self._key, self._me, self._clock, self._lease_s = objects, key, me, clock, lease_s
        self._tell_lost, self._say = lost, say
        self._lock = threading.Lock()
        self._held: Held | None = None
        self._taken_away = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, command: str) -> None:
        """Take the lock and keep renewing it. Raises: StateError naming the holder when it is taken."""
        now = self._clock.utc()
        me, nonce = self._me, secrets.token_hex(8)
        mine = Holder(command, me.user, me.host, me.pid, stamp(now), lease_s=self._lease_s, nonce=nonce)
        self._taken_away, self._held = False, self._write_first(mine)
        self._over.clear()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the lock back; one that cannot be is said, and runs out by itself."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            held, self._held = self._held, None
        if held is None or self._taken_away:
            return
        try:
            found = self._objects.get(self._key)
            if found is not None and self._read(found).nonce == held.holder.nonce:
                with contextlib.suppress(StaleObjectError):  # taken from us between the two calls: not ours any more
                    self._objects.delete(self._key, found.etag)
        except errors.EksprovError as error:
            self._say(f"the lock was not given back ({error.message}); its lease ends by itself")

    def lost(self) -> bool:
        """Whether a lock that was taken is not ours any more, or cannot be shown to be."""
        with self._lock:
            return self._held is not None and not self._sure()

    def must_hold(self) -> None:
        """Raises: StateError when the lock that was taken is not ours any more."""
        if not self.lost():
            return
        who = self.holder() if self._taken_away else None
        what = f"is held by {who} now" if who else "could not be kept"
        raise errors.StateError(
            f"the lock {self._objects.where(self._key)} {what}; nothing more was written",
            "run the same command again: what was done is found by its tags",
        )

    def holder(self) -> Holder | None:
        """Who holds the lock object now."""
        found = self._objects.get(self._key)
        return self._read(found) if found is not None else None

    def unlock(self, holder: Holder) -> None:
        """Delete the lock while it is `holder`'s. Raises: StateError where that lives here, or it is another's."""
        if holder.lives(self._me):
            raise errors.StateError(f"the lock is held by {holder}, which is running", "end that process first")
        found = self._objects.get(self._key)
        if found is None:
            return
        now = self._read(found)
        try:
            if now.nonce != holder.nonce:
                raise StaleObjectError(self._key)
            self._objects.delete(self._key, found.etag)
        except StaleObjectError:
            raise errors.StateError(f"the lock is another's by now: {self.holder()}", "look again") from None

    def _write_first(self, mine: Holder) -> Held:
        for _ in range(3):  # a lock that is given back between two looks is tried again
            try:
                return self._write(mine, None)
            except StaleObjectError:
                found = self._objects.get(self._key)
            if found is None:
                continue
            other = self._read(found)
            if other.nonce == mine.nonce:  # our own write, whose answer was lost and which was sent again
                return Held(other, self._clock.utc(), found.etag)
            if not self._abandoned(other):
                raise self._refused(other)
            try:
                held = self._write(mine, found.etag)
            except StaleObjectError:
                continue
            self._say(f"took over the lock of {other}, whose process has ended")
            return held
        raise self._refused(self.holder())

    def _write(self, holder: Holder, etag: str | None) -> Held:
        until = self._clock.utc() + self._lease_s
        holder = replace(holder, expires_at=stamp(until))
        data = json.dumps(asdict(holder), indent=1).encode() + b"\n"
        return Held(holder, until, self._objects.put(self._key, data, etag))

    def _abandoned(self, other: Holder) -> bool:
        return other.expires_at < stamp(self._clock.utc()) and other.lives(self._me) is False

    def _refused(self, other: Holder | None) -> errors.StateError:
        who = other or "another eksprov that has only just ended"
        if other is not None and other.lives(self._me) is False:
            hint = f"that process has ended: its lock is free at {other.expires_at}, or at once with `{UNLOCK}`"
        else:
            hint = f"wait until it has ended; if you know that it has died: `{UNLOCK}`"
        return errors.StateError(f"{self._objects.where(self._key)}: the stack is being worked on by {who}", hint)

    def _keep(self) -> None:
        while not self._clock.wait(self._over, self._lease_s / 3):
            self.renew()
            if self._taken_away:
                self._say("the lock was taken from this run; nothing new begins")
                self._tell_lost()
                return

    def renew(self) -> None:
        """Make the lease begin anew; one that cannot be reached is tried again at the next turn."""
        with self._lock:
            self._renew()

    def _sure(self) -> bool:
        """Whether the lock is ours beyond doubt; one that looks over (the machine slept) is renewed first."""
        if self._held is not None and not self._taken_away and self._held.until <= self._clock.utc():
            self._renew()
        return self._held is not None and not self._taken_away and self._held.until > self._clock.utc()

    def _renew(self) -> None:
        if self._held is None or self._taken_away:
            return
        mine, etag = self._held.holder, self._held.etag
        with contextlib.suppress(errors.EksprovError):  # `until` tells that it did not work
            try:
                self._held = self._write(mine, etag)
            except StaleObjectError:
                found = self._objects.get(self._key)
                if found is None or self._read(found).nonce != mine.nonce:
                    self._taken_away = True
                    return
                with contextlib.suppress(StaleObjectError):  # ours: a renewal whose answer was lost
                    self._held = self._write(mine, found.etag)

    def _read(self, found: Found) -> Holder:
        try:
            return Holder.read(json.loads(found.data))
        except (ValueError, KeyError, TypeError) as error:
            raise errors.StateError(
                f"the lock {self._objects.where(self._key)} cannot be read",
                "make sure that nobody works on the stack, and delete the object",
            ) from error
