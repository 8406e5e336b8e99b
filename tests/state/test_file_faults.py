"""A disk that refuses, at every single file operation: nothing gets worse, and one clear error says so."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVarTuple

import pytest
from support.stores import STATE

from eksprov import errors
from eksprov.state.codec import decode
from eksprov.state.files import Files, write_whole
from eksprov.state.journal import FileJournal, Intent
from eksprov.state.store import FileStore

NEW = STATE.with_choices({"a": "b"})
OLD, NEXT = (Intent(step, "create", 1, "t", "f") for step in ("vpc", "eip"))
READING = ("read",)
Given = TypeVarTuple("Given")


class FailingFiles(Files):
    """The n-th operation fails with an error; `for_good`: and every one after it that changes something.

    "short" has a write take half of its data, and the disk be full after that.
    """

    def __init__(self, at: int, what: int | str, *, for_good: bool) -> None:
        self.at, self.what, self.for_good = at, what, for_good
        self.count, self.failed = 0, False

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        if name.startswith("_") or name not in Files.__dict__:
            return real
        return lambda *arguments: self._do(name, real, arguments)

    def _do(self, name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        self.count += 1
        if self.what == "short" and not self.failed:
            if self.count < self.at or name != "write":
                return real(*arguments)
            self.failed = True
            return real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        again = self.failed and self.for_good and name not in (*READING, "close")
        if not again and (self.what == "short" or self.count != self.at):
            return real(*arguments)
        self.failed = True
        if name == "close":
            real(*arguments)  # the descriptor is gone all the same, as on Linux
        number = self.what if isinstance(self.what, int) else errno.ENOSPC
        raise OSError(number, os.strerror(number))


def refusal(work: Callable[[*Given], object], *given: *Given) -> str:
    """What the one permitted error says; empty where there is none."""
    try:
        work(*given)
    except errors.StateError as error:
        return error.message
    return ""


FAULTS = [
    pytest.param(what, for_good, id=f"{what if isinstance(what, str) else errno.errorcode[what]}-{for_good}")
    for what in (errno.ENOSPC, errno.EIO, errno.EROFS, "short")
    for for_good in (False, True)
]


def scenarios(
    what: int | str, for_good: bool, make: Callable[[Path], None], folder: Path
) -> Iterator[tuple[Path, FailingFiles]]:
    """For each n: a fresh folder, and files whose n-th operation fails; ends when an operation has fewer."""
    for at in range(1, 60):
        place = folder / str(at)
        make(place)
        files = FailingFiles(at, what, for_good=for_good)
        yield place, files
        if files.count < at:
            assert at > 3
            return
    raise AssertionError("no operation has so many")


def two_saves(place: Path) -> None:
    """A state and its backup."""
    store = FileStore(place, "demo")
    store.save(STATE)
    store.save(STATE)


def private_and_whole(place: Path) -> None:
    """Whatever lies there is its owner's alone, and the backup can be read."""
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} <= {0o600}
    if (place / "demo.json.bak").exists():
        decode((place / "demo.json.bak").read_bytes(), "", "demo")


@pytest.mark.parametrize(("what", "for_good"), FAULTS)
def test_a_save_that_fails_anywhere_leaves_a_whole_state(tmp_path: Path, what: int | str, for_good: bool) -> None:
    """Law: the old state, or (when only the folder's fsync failed) the new one; the next save goes through."""
    kept_old = 0
    for place, files in scenarios(what, for_good, two_saves, tmp_path):
        said = refusal(lambda place, files: FileStore(place, "demo", files).save(NEW), place, files)
        now = FileStore(place, "demo").load()
        assert now in (STATE, NEW) if said else now == NEW
        if said:
            assert "demo.json cannot be written: " in said
            assert files.failed
        kept_old += now == STATE
        private_and_whole(place)
        FileStore(place, "demo").save(NEW)
        assert FileStore(place, "demo").load() == NEW
    assert kept_old >= (for_good if what == "short" else 5)


@pytest.mark.parametrize(("what", "for_good"), FAULTS)
def test_a_first_save_that_fails_anywhere_leaves_none_or_the_whole(
    tmp_path: Path, what: int | str, for_good: bool
) -> None:
    for place, files in scenarios(what, for_good, lambda _: None, tmp_path):
        said = refusal(lambda place, files: FileStore(place, "demo", files).save(NEW), place, files)
        now = FileStore(place, "demo").load()
        assert now in (None, NEW) if said else now == NEW


@pytest.mark.parametrize("what", [errno.EIO, errno.EACCES])
def test_a_load_that_fails_is_one_error_and_not_an_empty_state(tmp_path: Path, what: int) -> None:
    two_saves(tmp_path)
    with pytest.raises(errors.StateError, match=r"demo\.json cannot be read: "):
        FileStore(tmp_path, "demo", FailingFiles(1, what, for_good=True)).load()


@pytest.mark.parametrize(("what", "for_good"), [fault for fault in FAULTS if fault.values[0] != "short"])
def test_a_forget_that_fails_keeps_the_state_or_nothing_and_can_be_repeated(
    tmp_path: Path, what: int | str, for_good: bool
) -> None:
    for place, files in scenarios(what, for_good, two_saves, tmp_path):
        said = refusal(lambda place, files: FileStore(place, "demo", files).forget(), place, files)
        now = FileStore(place, "demo").load()
        assert now in (None, STATE) if said else now is None
        assert not said or "cannot be removed" in said
        FileStore(place, "demo").forget()
        assert FileStore(place, "demo").load() is None


@pytest.mark.parametrize(("what", "for_good"), FAULTS)
def test_an_intent_that_cannot_be_written_is_refused_and_harms_no_other(
    tmp_path: Path, what: int | str, for_good: bool
) -> None:
    """Law: the intents before stay; the new one is there, or not, but never a damaged line."""

    def make(place: Path) -> None:
        FileJournal(place / "j").intend(OLD)
        with (place / "j").open("ab") as file:
            file.write(b'{"do": "inte')  # torn by a crash before

    for place, files in scenarios(what, for_good, make, tmp_path):
        said = refusal(lambda place, files: FileJournal(place / "j", files=files).intend(NEXT), place, files)
        found = FileJournal(place / "j").open_intents()
        assert found == {"vpc": OLD, "eip": NEXT} or (said and found == {"vpc": OLD})
        assert not said or "cannot be written" in said
        FileJournal(place / "j").intend(NEXT)
        assert FileJournal(place / "j").open_intents().keys() == {"vpc", "eip"}


@pytest.mark.parametrize(("what", "for_good"), FAULTS)
def test_a_result_that_cannot_be_written_leaves_the_intent_open_or_settled(
    tmp_path: Path, what: int | str, for_good: bool
) -> None:
    def settle(journal: FileJournal) -> None:
        journal.landed("vpc", {"id": "vpc-1"})
        journal.clear()

    for place, files in scenarios(what, for_good, lambda place: FileJournal(place / "j").intend(OLD), tmp_path):
        journal = FileJournal(place / "j", files=files)
        said = refusal(settle, journal)
        found = FileJournal(place / "j").open_intents()
        assert found in ({}, {"vpc": OLD}) if said else found == {}
        assert not said or "cannot be" in said
        FileJournal(place / "j").landed("vpc", {})
        FileJournal(place / "j").clear()
        assert not (place / "j").exists()


@pytest.mark.parametrize(("what", "for_good"), FAULTS)
def test_a_lock_that_cannot_be_taken_is_one_error_and_holds_nobody_up(
    tmp_path: Path, what: int | str, for_good: bool
) -> None:
    for place, files in scenarios(what, for_good, two_saves, tmp_path):
        entered: list[bool] = []

        def run(place: Path, files: FailingFiles, entered: list[bool]) -> None:
            with FileStore(place, "demo", files).lock("provision"):
                entered.append(True)

        said = refusal(run, place, files, entered)
        assert bool(said) is not bool(entered)
        assert not said or "cannot be written" in said
        private_and_whole(place)
        with FileStore(place, "demo").lock("provision"):
            assert FileStore(place, "demo").load() == STATE


def test_a_write_after_one_that_failed_in_its_last_moment_leaves_no_litter(tmp_path: Path) -> None:
    """The backup is then the state by another name, and renaming one name of a file to the other does nothing."""
    path, backup = tmp_path / "state.json", tmp_path / "state.json.bak"
    path.write_bytes(b"old")
    os.link(path, backup)
    write_whole(path, b"new", backup)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {path.name: b"new", backup.name: b"old"}


def test_a_folder_that_is_none_is_one_error_for_everything(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    store = FileStore(tmp_path / "state", "demo")
    for work in (lambda: store.save(STATE), store.load, lambda: store.lock("provision").__enter__()):
        with pytest.raises(errors.StateError, match="cannot be"):
            work()


class ListedFiles(Files):
    """Notes the names of what it does."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        real = super().__getattribute__(name)
        if name in Files.__dict__ and not name.startswith("_"):
            self.done.append(name)
        return real


def test_what_is_written_is_on_the_disk_before_it_counts(tmp_path: Path) -> None:
    """Law: fsync comes before the rename, the folder's after it; and before an intent is said to be written."""
    files = ListedFiles()
    FileStore(tmp_path, "demo", files).save(STATE)
    done = files.done
    assert done.index("write") < done.index("fsync") < done.index("rename") < len(done) - 1 - done[::-1].index("fsync")
    files.done.clear()
    FileJournal(tmp_path / "j", files=files).intend(OLD)
    assert files.done.index("write") < files.done.index("fsync")
    assert files.done.count("fsync") == 2  # the file's name is new too
