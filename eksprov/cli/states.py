"""What the state commands ask for: where a stack's state is kept, who holds it, and carrying it in and out by hand."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.files import reason, write_whole
from eksprov.state.holder import Holder, this_process
from eksprov.state.store import FileStore, LockedStore

if TYPE_CHECKING:
    from eksprov.aws.session import Aws
    from eksprov.cli.desk import Desk
    from eksprov.config.schema import Config
    from eksprov.state.record import State


class Stated(Protocol):
    """The part of `Backend` that states stand on."""

    desk: Desk
    config: Config

    def aws(self) -> Aws: ...

    def stop(self) -> None: ...

    def locked(self, command: str) -> AbstractContextManager[None]: ...


LARGEST = 64 * 1024 * 1024  # bytes; a step takes less than a KiB


@dataclass(frozen=True)
class Shown:
    """A state at one moment: what is recorded, who holds the lock, and which calls have no known result."""

    where: str
    state: State | None
    holder: Holder | None
    open_intents: tuple[str, ...]


class States:
    """The state of one stack."""

    def __init__(self, backend: Stated) -> None:
        self._backend = backend

    @cached_property
    def store(self) -> LockedStore:
        """The folder beside the config, or the bucket that the config names; nothing is asked yet."""
        backend, config = self._backend, self._backend.config
        if config.state is None:
            return FileStore(backend.desk.state_folder(), config.name)
        from eksprov.state.s3_store import S3Store

        return S3Store(
            lambda: backend.aws().clients.s3,
            config.state,
            config.name,
            lambda: (backend.aws().identity().account, config.region),
            lost=backend.stop,
            say=backend.desk.log,
        )

    def show(self) -> Shown:
        state, holder = self.store.load(), self.store.holder()
        return Shown(self.store.where(), state, holder, tuple(sorted(self.store.journal().open_intents())))

    def pull(self) -> bytes:
        """The state's JSON. Raises: NotThereError when there is none."""
        state = self.store.load()
        if state is None:
            where = self.store.where()
            raise errors.NotThereError(f"nothing is recorded in {where}", "make it with `eksprov provision`")
        return encode(state)

    def push(self, path: Path, *, force: bool) -> bool:
        """Put a file in place of the state, under the lock; whether that was a change.

        Raises: StateError when it is damaged, another stack's, account's or region's; or, without `force`, older than
        what is there.
        """
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise errors.UsageError(f"{path} cannot be read: {reason(error)}", errors.cure(error)) from error
        if len(data) > LARGEST:
            raise errors.UsageError(f"{path} is larger than any state", "name a file that `eksprov state pull` wrote")
        incoming = decode(data, str(path), self._backend.config.name, edited=True)
        self._refuse_elsewhere(incoming, path)
        with self._backend.locked("state push"):
            current = self._present(force=force)
            if current == incoming:
                return False
            if current is not None and not force:
                _refuse_older(incoming, current, path)
            self._backend.desk.begins(f"{self.store.where()} may be replaced")
            self.store.save(incoming)
        return True

    def held(self) -> Holder | None:
        """Who holds the lock, and has to be asked about. Raises: StateError when that is a running process here."""
        holder = self.store.holder()
        if holder is not None and holder.lives(this_process()):
            raise errors.StateError(
                f"the lock is held by {holder}, which is running; nothing was changed", "wait until it has ended"
            )
        return holder

    def _present(self, *, force: bool) -> State | None:
        """What is there; with `force`, something unreadable is nothing."""
        try:
            return self.store.load()
        except errors.StateError:
            if not force:
                raise
            return None

    def _refuse_elsewhere(self, incoming: State, path: Path) -> None:
        here = (self._backend.aws().identity().account, self._backend.config.region)
        its = (incoming.account or here[0], incoming.region or here[1])
        if its != here:
            raise errors.StateError(
                f"{path} belongs to account {its[0]} in {its[1]}, but you are calling account {here[0]} in {here[1]}",
                "use the profile and region the stack was made with",
            )


def write_private(path: Path, data: bytes) -> None:
    """Write what was pulled, readable by its owner alone. Raises: UsageError."""
    try:
        write_whole(path.absolute(), data)
    except OSError as error:
        raise errors.unwritable(path, error, "name another with --file FILE") from error


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
