"""The state in S3, for teams: the object is only ever overwritten by whoever has read its present content.

`<prefix>/<account>/<region>/<stack>.json` is the state, `.json.bak` the one before, `<stack>.lock` the lock, and
`<stack>.journal/` holds the open intents: a team may have stacks of one name in several accounts and regions. Where an
earlier version has put this stack's state at `<prefix>/<stack>.json`, it stays there. The lock keeps runs apart in good
manners; the condition on every write (see `s3_objects`) keeps a state whole even from a run that does not know yet that
its lock is gone.

An answer may be lost and botocore sends a write again: S3 then refuses what it has already carried out. So a refused
write is looked at before it is believed: content that is ours, to the byte, was written by us.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.holder import Holder, Me, stamp, this_process
from eksprov.state.journal import Journal
from eksprov.state.record import State
from eksprov.state.s3_journal import S3Journal
from eksprov.state.s3_lease import LEASE_S, LeaseClock, S3Lease, WallClock
from eksprov.state.s3_objects import Objects, StaleObjectError
from eksprov.state.store import cure_by_backup

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def _nothing() -> None:
    """Called where nobody has to be told that the lock was lost."""


def _silent(line: str) -> None:
    """Called where nobody hears what the store has to say."""


class S3Store:
    """One stack's state below `s3://bucket/prefix`.

    `client` gives the boto3 client, `place` the stack's account and region; both are asked once they are needed.
    `lost` is called, from another thread, when the lock has been taken from this process; `say` shows people a line.
    """

    def __init__(
        self,
        client: Callable[[], S3Client],
        url: str,
        stack: str,
        place: Callable[[], tuple[str, str]],
        *,
        me: Me | None = None,
        clock: LeaseClock | None = None,
        lost: Callable[[], None] = _nothing,
        say: Callable[[str], None] = _silent,
        lease_s: float = LEASE_S,
    ) -> None:
        bucket, self._prefix = _split(url)
        self._stack, self._place, self._clock = stack, place, clock or WallClock()
        self._earlier = f"{self._prefix}{stack}"  # what its keys began with, before account and region were in them
        self._objects = Objects(client, bucket)
        self._make_lease = partial(
            S3Lease, self._objects, me=me or this_process(), clock=self._clock, lost=lost, say=say, lease_s=lease_s
        )
        self._known_root: str | None = None
        self._known_lease: S3Lease | None = None
        self._etag: str | None = None  # of what was last read or written; None where there was nothing
        self._unsure: set[bytes] = set()  # sent since, and it is not known whether any of them is there
        self._damaged = False
        self._proven = False

    @property
    def _root(self) -> str:
        """What the keys of this stack begin with; found out once."""
        if self._known_root is None:
            self._known_root = self._find_root()
        return self._known_root

    def _find_root(self) -> str:
        account, region = self._place()
        found = self._objects.get(f"{self._earlier}.json")
        if found is not None and self._is_from(found.data, account, region):
            return self._earlier
        return f"{self._prefix}{account}/{region}/{self._stack}"

    def _is_from(self, data: bytes, account: str, region: str) -> bool:
        """Whether a state is of this account and region; one that cannot be read counts, so that `load` says why."""
        try:
            state = decode(data, "", self._stack)
        except errors.StateError:
            return True
        return (state.account or account, state.region or region) == (account, region)

    @property
    def _key(self) -> str:
        return f"{self._root}.json"

    @property
    def _backup(self) -> str:
        return f"{self._key}.bak"

    @property
    def _lease(self) -> S3Lease:
        if self._known_lease is None:
            self._known_lease = self._make_lease(key=f"{self._root}.lock")
        return self._known_lease

    def where(self) -> str:
        return self._objects.where(self._key)

    def load(self) -> State | None:
        """The state, or None when there is no object. Raises: StateError, AccessError, ProvisioningError."""
        found = self._objects.get(self._key)
        self._unsure.clear()
        self._etag = found.etag if found is not None else None
        self._damaged = found is not None
        state = decode(found.data, self.where(), self._stack, self._cure) if found is not None else None
        self._damaged = False
        return state

    def save(self, state: State) -> None:
        """Replace what this process last read or wrote. Raises: StateError where others wrote; theirs stays."""
        self._lease.must_hold()
        data = encode(state)
        try:
            self._replace(data)
        except StaleObjectError:
            self._look_again(data)
        self._unsure.clear()
        self._damaged = False

    def forget(self) -> None:
        """Delete the object and its backup. Raises: StateError where another writer has written meanwhile."""
        self._lease.must_hold()
        self._objects.delete(self._backup)
        found = self._objects.get(self._key)
        try:
            if found is not None and found.etag != self._etag:
                raise StaleObjectError(self._key)
            if found is not None:
                self._objects.delete(self._key, found.etag)
        except StaleObjectError:
            if self._objects.get(self._key) is not None:  # else a delete whose answer was lost
                raise self._overtaken() from None
        self._etag = None

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the stack alone. Raises: StateError naming the holder, or where the store ignores conditions."""
        if not self._proven:
            self._objects.must_honour_conditions(self._prefix)
            self._proven = True
        self._lease.take(command)
        try:
            self._refuse_moved()
            yield
        finally:
            self._lease.release()

    def lost(self) -> bool:
        """Whether the lock that this process took is not its own any more."""
        return self._known_lease is not None and self._known_lease.lost()

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        return self._lease.holder()

    def unlock(self, holder: Holder) -> None:
        """Take the lock from a holder. Raises: StateError where it is a running process of this host."""
        self._lease.unlock(holder)

    def journal(self) -> Journal:
        return S3Journal(
            self._objects, lambda: f"{self._root}.journal/", self._must_hold, lambda: stamp(self._clock.utc())
        )

    def _refuse_moved(self) -> None:
        """Raises: StateError where an earlier version's state was deleted since: the next run has another lock."""
        if self._root == self._earlier and self._objects.get(self._key) is None:
            raise errors.StateError(f"{self.where()} has been deleted by another run", "run the same command again")

    def _must_hold(self) -> None:
        self._lease.must_hold()

    def _replace(self, data: bytes) -> None:
        if self._etag is not None and not self._damaged:
            self._objects.copy(self._key, self._etag, self._backup)
        self._unsure.add(data)
        self._etag = self._objects.put(self._key, data, self._etag)

    def _look_again(self, data: bytes) -> None:
        found = self._objects.get(self._key)
        if found is not None and found.data == data:
            self._etag = found.etag
            return
        if found is None or found.data not in self._unsure:
            raise self._overtaken()
        self._etag = found.etag
        try:
            self._replace(data)
        except StaleObjectError:
            raise self._overtaken() from None

    def _overtaken(self) -> errors.StateError:
        holder = self._lease.holder()
        who = f" (the lock is held by {holder})" if holder else ""
        return errors.StateError(
            f"{self.where()} has been changed by another writer{who}; nothing was overwritten",
            "run the same command again: it reads what is there now",
        )

    def _cure(self) -> str:
        return cure_by_backup(self._backup_read, self._objects.where(self._backup))

    def _backup_read(self) -> State | None:
        found = self._objects.get(self._backup)
        return decode(found.data, "", self._stack) if found is not None else None


def _split(url: str) -> tuple[str, str]:
    """`s3://bucket/a/b` as the bucket and `a/b/`."""
    parts = re.fullmatch(r"s3://([^/]+)/?(.*?)/?", url)
    assert parts is not None  # the config's schema has seen to it
    return parts[1], f"{parts[2]}/" if parts[2] else ""
