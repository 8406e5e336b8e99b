"""One entry in a kubeconfig: put in, taken out, everything else untouched."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from eksprov import errors
from eksprov.kube.kubeconfig import Entry, default_path, merged, remove_entry, without, write_entry

ENTRY = Entry("eksprov-demo", "https://1.2.3.4", "Q0E=", "demo-cluster", "us-west-2", "/venv/bin/python", {"A": "b"})
FOREIGN: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "clusters": [{"name": "other", "cluster": {"server": "https://other"}}],
    "contexts": [{"name": "other", "context": {"cluster": "other", "user": "other"}}],
    "users": [{"name": "other", "user": {"token": "theirs"}}],
    "current-context": "other",
}


def test_the_entry_names_an_absolute_command_and_no_secret() -> None:
    user = merged({}, ENTRY)["users"][0]["user"]
    assert user["exec"]["command"] == "/venv/bin/python"
    assert user["exec"]["args"] == ["-m", "eksprov", "token", "--cluster-name", "demo-cluster", "--region", "us-west-2"]
    assert user["exec"]["env"] == [{"name": "A", "value": "b"}]
    assert user.keys() == {"exec"}


def test_merging_keeps_what_is_foreign_and_twice_is_once() -> None:
    once = merged(FOREIGN, ENTRY)
    for section in ("clusters", "contexts", "users"):
        assert once[section][0] == FOREIGN[section][0]
        assert len(once[section]) == 2
    assert once["preferences"] == FOREIGN["preferences"]
    assert once["current-context"] == "eksprov-demo"
    assert merged(once, ENTRY) == once


def test_the_current_context_stays_when_that_is_wanted_and_there_is_one() -> None:
    assert merged(FOREIGN, ENTRY, select=False)["current-context"] == "other"
    assert merged({}, ENTRY, select=False)["current-context"] == "eksprov-demo"


def test_taking_out_undoes_putting_in() -> None:
    assert without(merged(FOREIGN, ENTRY, select=False), ENTRY.name) == FOREIGN
    assert without(merged(FOREIGN, ENTRY), ENTRY.name)["current-context"] == ""


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_new_file_is_0600_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "config"
    before = os.umask(umask)
    try:
        write_entry(path, ENTRY)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wide_open_file_is_narrowed_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "config"
    real.write_text(yaml.safe_dump(FOREIGN))
    real.chmod(0o644)
    link.symlink_to(real)
    write_entry(link, ENTRY)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert yaml.safe_load(real.read_text())["users"][0] == FOREIGN["users"][0]


@pytest.mark.parametrize(
    "text", ["{", "- a list", "clusters: word", "users: [word]", "\x00", "!!python/object:os.system {}"]
)
def test_a_malformed_file_is_one_clear_error_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(errors.UsageError, match="nothing was changed") as caught:
        write_entry(path, ENTRY)
    assert "\n" not in caught.value.message
    assert path.read_text() == text


def test_removing_says_whether_there_was_anything(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "config"
    assert remove_entry(path, ENTRY.name) is False
    write_entry(path, ENTRY)
    assert remove_entry(path, ENTRY.name) is True
    assert remove_entry(path, ENTRY.name) is False
    assert yaml.safe_load(path.read_text())["clusters"] == []


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    write_entry(tmp_path / "config", ENTRY)
    assert {p.name for p in tmp_path.iterdir()} <= {"config", "config.lock"}


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.UsageError, match="cannot be written"):
        write_entry(tmp_path / "file" / "config", ENTRY)


def test_the_default_is_the_first_path_of_kubeconfig_else_the_home_one() -> None:
    assert default_path({"KUBECONFIG": os.pathsep.join(["", "/a/b", "/c"])}) == Path("/a/b")
    assert default_path({"HOME": "/home/me"}) == Path("/home/me/.kube/config")
