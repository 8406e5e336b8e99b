"""The state commands, and a whole stack whose state a team keeps in the emulated account's S3."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kubernetes import StillKubernetes
from support.prices import PRODUCTS
from support.stores import PLACE, STATE

from eksprov import errors, operations
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.display.progress import Display
from eksprov.cli.places import Connection, keys_only_session
from eksprov.cli.program import Program
from eksprov.cli.session import StackSession
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.server import AwsServer
from eksprov.state.codec import decode
from eksprov.state.holder import Me
from eksprov.state.record import State
from eksprov.state.s3_store import S3Store
from eksprov.state.store import FileStore

pytestmark = pytest.mark.real_time
SPEED = 2000.0
CONFIG = "name: digits\nnode_groups:\n  - name: workers\n    instance_types: [m7i.large]\n"
HERE = "/".join(PLACE) + "/"
IN_S3 = "state: s3://team/stacks\n"


class EmulatedPlace:
    """The emulated account over HTTP."""

    name, paid = "emulated account", False

    def __init__(self, url: str) -> None:
        self.url = url
        self.released = 0

    def connect(self, display: Display) -> Connection:
        display.doing("connecting")
        return Connection(keys_only_session("us-west-2"), self.url, SPEED, {})

    @contextlib.contextmanager
    def creating(self, _display: Display) -> Iterator[None]:
        yield

    def release(self) -> bool:
        self.released += 1
        return True

    def s3(self) -> Any:
        return keys_only_session("us-west-2").client("s3", endpoint_url=self.url)


@pytest.fixture(scope="module")
def place() -> Iterator[EmulatedPlace]:
    server = AwsServer(LocalAws(StillKubernetes(), time.time, SPEED, products=PRODUCTS), key="k")
    server.start()
    found = EmulatedPlace(server.url)
    found.s3().create_bucket(Bucket="team", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    yield found
    server.stop()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: EmulatedPlace
) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eksprov.yaml").write_text(CONFIG)

    def call(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        console = Console(
            environ={"HOME": str(tmp_path)},
            called_as=("eksprov",),
            terminal=lambda: typed is not None,
            type_in=lambda _question: typed or "",
        )
        code = main(list(arguments), Program(console, lambda: StackSession(console, lambda *_: place), operations))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_stack_whose_state_is_in_s3_from_nothing_to_nothing(run: Run, tmp_path: Path, place: EmulatedPlace) -> None:
    (tmp_path / "eksprov.yaml").write_text(CONFIG + IN_S3)
    code, out, err = run("provision")
    assert code == 0, out + err
    assert not (tmp_path / "state").exists()
    keys = {item["Key"] for item in place.s3().list_objects_v2(Bucket="team")["Contents"]}
    assert keys == {
        f"stacks/{name}" for name in (f"{HERE}digits.json", f"{HERE}digits.json.bak", ".eksprov-conditional-writes")
    }
    for arguments in (("plan", "--check"), ("plan", "--check", "--offline"), ("outputs",)):
        code, out, err = run(*arguments)
        assert code == 0, out + err

    code, out, err = run("state", "show", "--json")
    shown = json.loads(out)
    assert (code, shown["where"], shown["lock"]) == (0, f"s3://team/stacks/{HERE}digits.json", None)
    assert {step["status"] for step in shown["steps"]} == {"ready"}

    a_lock_of_another_machine_is_respected_and_freed_by_hand(run, place)
    code, out, err = run("teardown", "--yes", "--down-if-empty")
    assert code == 0, out + err
    assert place.released == 0, "the team's bucket is in that world"
    keys = {item["Key"] for item in place.s3().list_objects_v2(Bucket="team")["Contents"]}
    assert keys == {"stacks/.eksprov-conditional-writes"}


def a_lock_of_another_machine_is_respected_and_freed_by_hand(run: Run, place: EmulatedPlace) -> None:
    other = S3Store(place.s3, "s3://team/stacks", "digits", lambda: PLACE, me=Me("bo", "far-away", 77))
    with other.lock("teardown"):
        code, out, err = run("provision")
        assert (code, out) == (1, "")
        assert (
            f"s3://team/stacks/{HERE}digits.lock: the stack is being worked on by `eksprov teardown` (pid 77 on far-aw"
            in err
        )
        assert "eksprov state unlock" in err
        assert json.loads(run("state", "show", "--json")[1])["lock"]["host"] == "far-away"
        code, out, err = run("state", "unlock")
        assert (code, "pass --yes" in err) == (2, True)
        code, out, err = run("state", "unlock", typed="no")
        assert code == 2
        assert other.holder() is not None
        code, out, err = run("state", "unlock", typed="yes")
        assert (code, out) == (0, "the lock of stack digits is free\n")
        assert "is held by `eksprov teardown` (pid 77" in err
    assert run("state", "unlock") == (0, "nobody holds the lock of stack digits\n", "")


def test_a_run_whose_lock_is_taken_is_told_to_stop(
    tmp_path: Path, place: EmulatedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The renewing thread finds out, and ends the run as Ctrl-C would; the thief keeps the lock."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eksprov.yaml").write_text("name: lost\n" + IN_S3)
    console = Console(environ={"HOME": str(tmp_path)}, called_as=("eksprov",), terminal=lambda: False)
    session = StackSession(console, lambda *_: place)
    session.account()  # it is connected to
    session.store = S3Store(place.s3, "s3://team/stacks", "lost", lambda: PLACE, lost=session.stop, lease_s=0.3)
    thief = S3Store(place.s3, "s3://team/stacks", "lost", lambda: PLACE, me=Me("bo", "far-away", 77))
    with session.locked("provision"):
        assert not session.stop_requested()
        place.s3().delete_object(Bucket="team", Key=f"stacks/{HERE}lost.lock")
        with thief.lock("teardown"):
            deadline = time.monotonic() + 20
            while not session.stop_requested():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            with pytest.raises(errors.StateError, match="is held by `eksprov teardown`"):
                session.store.save(State(stack="lost"))
            holder = session.store.holder()
            assert holder is not None
            assert holder.pid == 77


def saved(folder: Path, **more: Any) -> None:
    """A state as a run in this account would have left it."""
    FileStore(folder / "state", "digits").save(dataclasses.replace(STATE, stack="digits", **more))


def test_show_pull_and_push_of_a_file(run: Run, tmp_path: Path) -> None:
    code, out, err = run("state", "show")
    assert code == 4
    assert "nothing is recorded\nlock: free\n" in out
    assert err.endswith("hint: make it with `eksprov provision`\n")
    code, out, err = run("state", "pull")
    assert (code, "nothing is recorded in state/digits.json" in err) == (4, True)

    saved(tmp_path, serial=4)
    code, out, err = run("state", "show")
    assert "id 00ff, account 123456789012, us-west-2, serial 4" in out
    assert "vpc" in out
    code, out, err = run("state", "pull")
    assert out.encode() == (tmp_path / "state/digits.json").read_bytes()
    code, out, err = run("state", "pull", "--file", "copy.json")
    assert (code, out) == (0, "wrote copy.json\n")
    assert stat.S_IMODE((tmp_path / "copy.json").stat().st_mode) == 0o600

    assert "the same already" in run("state", "push", "copy.json")[1]
    edited = json.loads((tmp_path / "copy.json").read_text())
    edited["serial"], edited["choices"]["kubernetes_version"] = 5, "1.35"
    (tmp_path / "copy.json").write_text(json.dumps(edited))
    code, out, err = run("state", "push", "copy.json")
    assert (code, out, err) == (0, "state/digits.json: replaced\n", "next: eksprov plan\n")
    now = decode((tmp_path / "state/digits.json").read_bytes(), "", "digits")
    assert (now.serial, now.choices["kubernetes_version"]) == (5, "1.35")
    assert decode((tmp_path / "state/digits.json.bak").read_bytes(), "", "digits").serial == 4


@pytest.mark.parametrize(
    ("more", "says", "forcible"),
    [
        ({"serial": 3}, "has serial 3, and 4 is there now", True),
        ({"serial": 4}, "has serial 4, and 4 is there now", True),
        ({"serial": 9, "stack_id": "aa"}, "is of stack id aa, and 00ff is there now", True),
        ({"serial": 9, "account": "999988887777"}, "belongs to account 999988887777", False),
        ({"serial": 9, "region": "eu-west-1"}, "in eu-west-1, but you are calling account", False),
        ({"serial": 9, "stack": "other"}, "is the state of stack 'other'", False),
        ({"serial": 9, "schema": 2}, "was written by a newer eksprov", False),
        ({"serial": "9"}, "is damaged", False),
    ],
)
def test_a_push_that_would_lose_or_mix_up_something_is_refused(
    run: Run, tmp_path: Path, more: dict[str, Any], says: str, forcible: bool
) -> None:
    saved(tmp_path, serial=4)
    before = (tmp_path / "state/digits.json").read_bytes()
    body = {**json.loads(before), "choices": {}, **more}
    (tmp_path / "in.json").write_text(json.dumps(body))
    code, out, err = run("state", "push", "in.json")
    assert (code, out) == (1, "")
    assert says in err
    assert (tmp_path / "state/digits.json").read_bytes() == before
    code, out, err = run("state", "push", "in.json", "--force")
    assert code == (0 if forcible else 1), err


def test_what_the_error_of_a_damaged_state_proposes_works(run: Run, tmp_path: Path) -> None:
    for serial in (1, 2):
        saved(tmp_path, serial=serial)
    (tmp_path / "state/digits.json").write_text("{")
    code, _, err = run("plan")
    assert code == 1
    assert "put back the one before the last write, state/digits.json.bak (serial 1, whole)" in err
    assert run("state", "push", "state/digits.json.bak")[0] == 1
    code, _, err = run("state", "push", "state/digits.json.bak", "--force")
    assert code == 0, err
    assert decode((tmp_path / "state/digits.json").read_bytes(), "", "digits").serial == 1


def test_a_file_that_cannot_be_read_or_written_is_named(run: Run, tmp_path: Path) -> None:
    assert run("state", "push", "nowhere.json")[0] == 2
    saved(tmp_path)
    code, _, err = run("state", "pull", "--file", "no/such/folder.json")
    assert (code, "folder.json cannot be written" in err) == (2, True)


def test_the_lock_of_a_running_process_is_not_freed(run: Run, tmp_path: Path) -> None:
    with FileStore(tmp_path / "state", "digits").lock("provision"):
        assert "lock: `eksprov provision` (pid " in run("state", "show")[1]
        code, _, err = run("state", "unlock", "--yes")
    assert (code, "which is running; nothing was changed" in err) == (1, True)
