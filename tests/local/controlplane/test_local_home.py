"""Laws of where the local world's files lie and who can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.home import cache_home, discard_socket, local_home, private_folder, socket_path, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_two_state_folders_have_two_homes_and_one_has_one(tmp_path: Path) -> None:
    environ = {"HOME": "/home/someone"}
    first, second = local_home(tmp_path / "a", environ), local_home(tmp_path / "b", environ)
    assert first != second
    assert first == local_home(tmp_path / "b" / ".." / "a", environ)
    assert first.parent == Path("/home/someone/.local/state/eksprov")
    assert len(first.name) == len("local-") + 12


def test_the_environment_chooses_the_places(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}
    assert local_home(tmp_path, environ).parent == Path("/s/eksprov")
    assert cache_home(environ) == Path("/c/eksprov")
    assert cache_home({"HOME": "/h", "XDG_CACHE_HOME": "relative"}) == Path("/h/.cache/eksprov")
    assert local_home(tmp_path, {**environ, "EKSPROV_LOCAL_HOME": "/x"}) == Path("/x")


def test_every_folder_that_is_made_is_the_owners_alone(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b")
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_a_wide_folder_is_narrowed(tmp_path: Path) -> None:
    (tmp_path / "wide").mkdir(mode=0o755)
    assert mode(private_folder(tmp_path / "wide")) == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(LocalWorldError, match="is not a folder of this user"):
        private_folder(tmp_path / "link")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalWorldError, match="cannot be made") as caught:
        private_folder(tmp_path / "file" / "below")
    assert "EKSPROV_LOCAL_HOME" in caught.value.hint


def test_a_file_is_replaced_as_a_whole_and_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "key").symlink_to(victim)
    write_private(tmp_path / "key", "secret")
    assert victim.read_text() == "untouched"
    assert (tmp_path / "key").read_text() == "secret"
    assert mode(tmp_path / "key") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "victim"]


def test_a_socket_path_always_fits_and_is_always_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)} if len(str(tmp_path)) < 48 else {}
    path = socket_path(deep, "egress.sock", environ)
    try:
        assert len(os.fsencode(path)) <= 103
        assert path == socket_path(deep, "egress.sock", environ)
        assert path != socket_path(tmp_path / ("y" * 120), "egress.sock", environ)
        assert mode(path.parent) == 0o700
    finally:
        for made in (path, socket_path(tmp_path / ("y" * 120), "egress.sock", environ)):
            made.touch()
            discard_socket(made)
            assert not made.parent.exists()


def test_a_short_path_is_used_as_it_is(tmp_path: Path) -> None:
    if len(str(tmp_path)) < 80:
        path = socket_path(tmp_path / "c", "e.sock", {})
        assert path == tmp_path / "c" / "e.sock"
        path.touch()
        discard_socket(path)
        assert list(tmp_path.iterdir()) == [tmp_path / "c"]
