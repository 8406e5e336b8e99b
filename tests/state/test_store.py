"""The state file: whole at every moment, private, one writer at a time, refused rather than guessed at."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from eksprov import errors
from eksprov.errors import StateError
from eksprov.state.codec import decode, encode
from eksprov.state.files import write_whole
from eksprov.state.holder import Holder, this_process
from eksprov.state.record import Record, State
from eksprov.state.store import FileStore

STATE = State(
    stack="demo",
    stack_id="00ff",
    account="123456789012",
    region="us-west-2",
    choices={"kubernetes_version": "1.36"},
    steps={"vpc": Record("vpc", "demo-vpc", status="ready", outputs={"id": "vpc-1"}, needs=("a",), outlives=("b",))},
)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    """Law: load after save gives the same value."""
    store = FileStore(tmp_path / "state", "demo")
    store.save(STATE)
    assert store.load() == STATE


def test_without_a_file_there_is_no_state(tmp_path: Path) -> None:
    """Absence is None, not an error, and looking makes no file."""
    store = FileStore(tmp_path / "state", "demo")
    assert store.load() is None
    assert not (tmp_path / "state").exists()


def test_every_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """State, backup and lock are readable by their owner alone."""
    before = os.umask(0)
    try:
        store = FileStore(tmp_path, "demo")
        with store.lock("provision"):
            store.save(STATE)
            store.save(STATE.with_choices({"a": "b"}))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) >= {"demo.json", "demo.json.bak", "demo.lock.json"}
    assert set(modes.values()) == {0o600}


def test_the_backup_is_the_state_before(tmp_path: Path) -> None:
    """One backup: the content of the save before the last."""
    store = FileStore(tmp_path, "demo")
    store.save(STATE)
    store.save(STATE.with_choices({"a": "b"}))
    assert decode((tmp_path / "demo.json.bak").read_bytes(), "x", "demo") == STATE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ("null", "damaged"),
        ('{"schema": 1}', "damaged"),
        ('{"schema": 2, "something": "new"}', "newer eksprov"),
        ('{"schema": 99, "stack": "demo", "steps": {}}', "newer eksprov"),
        ('{"schema": 1, "stack": "other", "steps": {}}', "of stack 'other'"),
        ('{"schema": 1, "stack": "demo", "steps": {"vpc": {"kind": "vpc"}}}', "damaged"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    """A damaged, newer or foreign state is an error with a cure, and is not touched."""
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(errors.StateError, match=says) as caught:
        FileStore(tmp_path, "demo").load()
    assert caught.value.hint
    assert path.read_text() == text


@given(st.integers(0, 2000))
def test_a_torn_file_never_reads_as_another_state(cut: int) -> None:
    """Law: every proper prefix of a state is refused."""
    data = encode(STATE)
    if cut < len(data) - 2:
        with pytest.raises(errors.StateError):
            decode(data[:cut], "x", "demo")


def test_a_disk_that_refuses_leaves_the_old_state_whole(tmp_path: Path) -> None:
    """A write that fails part-way changes nothing and leaves no litter."""
    path = tmp_path / "f"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "not bytes")  # type: ignore[arg-type]  # fails after the temporary file was made
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_link_planted_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    """Nobody can make us write elsewhere."""
    victim = tmp_path / "victim"
    victim.write_text("safe")
    (tmp_path / f".f.{os.getpid()}.tmp").symlink_to(victim)
    write_whole(tmp_path / "f", b"data")
    assert victim.read_text() == "safe"


def test_a_second_writer_is_refused_with_the_holders_name(tmp_path: Path) -> None:
    """Two processes never hold one stack; the refusal says who does."""
    store = FileStore(tmp_path, "demo")
    program = (
        "import sys; from pathlib import Path; from eksprov.state.store import FileStore\n"
        "from eksprov.errors import StateError\n"
        "try:\n"
        "    with FileStore(Path(sys.argv[1]), 'demo').lock('teardown'): print('got it')\n"
        "except StateError as error: print(error.message)\n"
    )
    with store.lock("provision"):
        other = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
        )
    assert f"`eksprov provision` (pid {os.getpid()} on " in other.stdout
    after = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert after.stdout.strip() == "got it"


@pytest.mark.parametrize("before", ["nothing", "a name that a killed holder left", "half a name"])
def test_a_holder_that_has_not_written_its_name_yet_is_waited_for(tmp_path: Path, before: str) -> None:
    dead = Holder("teardown", "ada", this_process().host, 4_000_000, "2026-01-01T00:00:00Z")
    texts = {"nothing": None, "half a name": "{", "a name that a killed holder left": json.dumps(asdict(dead))}
    name = tmp_path / "demo.lock.json"
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            name.write_text(json.dumps(asdict(replace(dead, command="provision", pid=os.getpid()))))

    store = FileStore(tmp_path, "demo", pause=pause)
    with FileLock(tmp_path / "demo.lock", timeout=0):
        if (text := texts[before]) is not None:
            name.write_text(text)
        with pytest.raises(StateError, match=rf"`eksprov provision` \(pid {os.getpid()} on "), store.lock("plan"):
            pass
        name.unlink()
        with pytest.raises(StateError, match="another eksprov that does not say its name"), store.lock("plan"):
            pass
    assert sum(pauses) < 2.5


def test_tokens_survive_a_crash_and_change_after_a_delete() -> None:
    """The same incarnation has the same token; the next one another; 64 hex digits."""
    token = STATE.token("vpc")
    assert decode(encode(STATE), "x", "demo").token("vpc") == token
    assert STATE.without("vpc").token("vpc") != token
    assert STATE.token("subnet/private-1") != token
    assert len(token) == 64
    int(token, 16)


def test_the_file_is_json_with_a_schema_and_a_growing_serial(tmp_path: Path) -> None:
    """Others may read the file: schema 1, and a serial that every change raises."""
    FileStore(tmp_path, "demo").save(STATE.with_choices({"a": "b"}))
    body = json.loads((tmp_path / "demo.json").read_text())
    assert (body["schema"], body["serial"]) == (1, STATE.serial + 1)
