"""A stack's state by hand: shown, taken out, put back, and its lock freed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.files import reason, write_whole
from eksprov.state.holder import Holder, this_process
from eksprov.state.record import State
from eksprov.state.store import LockedStore

LARGEST = 64 * 1024 * 1024  # bytes; a step takes less than a KiB


@dataclass(frozen=True)
class Shown:
    """A state at one moment."""

    where: str  # its file or S3 address
    state: State | None  # None: nothing is recorded
    holder: Holder | None  # who holds the lock; None: nobody
    open_intents: tuple[str, ...]  # steps with a call whose result is not known


@dataclass(frozen=True)
class Here:
    """The stack, the account and the region that a state has to belong to."""

    stack: str
    account: str
    region: str


def show(store: LockedStore) -> Shown:
    """Read all three; nothing is locked."""
    state, holder = store.load(), store.holder()
    return Shown(store.where(), state, holder, tuple(sorted(store.journal().open_intents())))


def pull(store: LockedStore) -> bytes:
    """The state's JSON. Raises: NotThereError when there is none."""
    state = store.load()
    if state is None:
        raise errors.NotThereError(f"nothing is recorded in {store.where()}", "make it with `eksprov provision`")
    return encode(state)


def read_file(path: Path, stack: str) -> State:
    """The state in a file. Raises: UsageError, StateError when it is damaged or another stack's."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {reason(error)}", errors.cure(error)) from error
    if len(data) > LARGEST:
        raise errors.UsageError(f"{path} is larger than any state", "name a file that `eksprov state pull` wrote")
    return decode(data, str(path), stack, edited=True)


def refuse_elsewhere(incoming: State, path: Path, here: Here) -> None:
    """Raises: StateError when a state is another account's or region's."""
    account, region = incoming.account or here.account, incoming.region or here.region
    if (account, region) != (here.account, here.region):
        raise errors.StateError(
            f"{path} belongs to account {account} in {region}, but you are calling account {here.account} in "
            f"{here.region}",
            "use the profile and region the stack was made with",
        )


def push(
    store: LockedStore, incoming: State, path: Path, *, force: bool, begins: Callable[[str], None] = lambda _: None
) -> bool:
    """Put a state in place of what is there; whether that was a change. The caller holds the stack's lock.

    `begins` is told before the first write. Raises: StateError, without `force`, when it is older than what is there.
    """
    current = _present(store, force=force)
    if current == incoming:
        return False
    if current is not None and not force:
        _refuse_older(incoming, current, path)
    begins(f"{store.where()} may be replaced")
    store.save(incoming)
    return True


def held(store: LockedStore) -> Holder | None:
    """Who holds the lock, and has to be asked about. Raises: StateError when that is a running process here."""
    holder = store.holder()
    if holder is not None and holder.lives(this_process()):
        raise errors.StateError(
            f"the lock is held by {holder}, which is running; nothing was changed", "wait until it has ended"
        )
    return holder


def write_private(path: Path, data: bytes) -> None:
    """Write what was pulled, readable by its owner alone. Raises: UsageError."""
    try:
        write_whole(path.absolute(), data)
    except OSError as error:
        raise errors.unwritable(path, error, "name another with --file FILE") from error


def _present(store: LockedStore, *, force: bool) -> State | None:
    """What is there; with `force`, something unreadable is nothing."""
    try:
        return store.load()
    except errors.StateError:
        if not force:
            raise
        return None


def _refuse_older(incoming: State, current: State, path: Path) -> None:
    hint = "pull the present one and look at both; --force puts yours in its place all the same"
    if current.stack_id and incoming.stack_id != current.stack_id:
        raise errors.StateError(
            f"{path} is of stack id {incoming.stack_id or '(none)'}, and {current.stack_id} is there now", hint
        )
    if incoming.serial <= current.serial:
        raise errors.StateError(
            f"{path} has serial {incoming.serial}, and {current.serial} is there now: that would lose what came since",
            hint,
        )
