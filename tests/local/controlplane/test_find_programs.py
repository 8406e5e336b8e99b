"""Laws of which control-plane programs are run, and of the name that a built one has in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane import find

PLATFORM = ("linux", "amd64")


def program(path: Path, says: str = "Kubernetes v1.35.2") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_what_the_user_names_goes_before_the_cache(tmp_path: Path) -> None:
    program(find.built_path(tmp_path / "cache"))
    named = program(tmp_path / "mine")
    found = find.find({"EKSPROV_KUBERNETES": str(named)}, tmp_path / "cache")
    assert found == find.Binaries(named, "1.35.2", "EKSPROV_KUBERNETES")
    assert found.command("etcd") == (str(named), "etcd")


def test_a_folder_of_official_programs_is_run_program_by_program(tmp_path: Path) -> None:
    for name in find.COMPONENTS:
        program(tmp_path / name)
    found = find.find({"EKSPROV_KUBERNETES": str(tmp_path)}, tmp_path / "cache")
    assert found is not None
    assert found.version == "1.35.2"
    assert found.command("kube-scheduler") == (str(tmp_path / "kube-scheduler"),)


def test_the_cache_serves_when_nothing_is_named(tmp_path: Path) -> None:
    assert find.find({}, tmp_path) is None
    built = program(find.built_path(tmp_path))
    assert find.find({"EKSPROV_KUBERNETES": ""}, tmp_path) == find.Binaries(built, find.VERSION, "cache")


def test_a_program_of_other_sources_is_not_run(tmp_path: Path) -> None:
    program(tmp_path / "kubernetes" / "0123456789abcdef" / "kubernetes")
    assert find.find({}, tmp_path) is None


@pytest.mark.parametrize("missing", find.COMPONENTS)
def test_a_folder_that_lacks_one_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    for name in find.COMPONENTS:
        if name != missing:
            program(tmp_path / name)
    with pytest.raises(LocalWorldError, match=f"there is no .*{missing}") as caught:
        find.find({"EKSPROV_KUBERNETES": str(tmp_path)}, tmp_path)
    assert "built from source" in caught.value.hint


def test_what_is_no_control_plane_is_refused(tmp_path: Path) -> None:
    named = program(tmp_path / "mine", "hello")
    with pytest.raises(LocalWorldError, match="does not answer"):
        find.find({"EKSPROV_KUBERNETES": str(named)}, tmp_path)
    named.chmod(0o644)
    with pytest.raises(LocalWorldError, match="not executable"):
        find.find({"EKSPROV_KUBERNETES": str(named)}, tmp_path)
    (tmp_path / "elf").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "elf").chmod(0o755)
    with pytest.raises(LocalWorldError, match="does not run"):
        find.find({"EKSPROV_KUBERNETES": str(tmp_path / "elf")}, tmp_path)
    with pytest.raises(LocalWorldError, match="there is no"):
        find.find({"EKSPROV_KUBERNETES": str(tmp_path / "nowhere")}, tmp_path)


def test_the_key_changes_with_every_source_and_machine_and_nothing_else() -> None:
    files = find.source_files()
    key = find.sources_key(files, *PLATFORM)
    assert key == find.sources_key(dict(reversed(files.items())), *PLATFORM)
    others = {find.sources_key({**files, name: files[name] + b" "}, *PLATFORM) for name in files}
    others |= {find.sources_key(files, "linux", "arm64"), find.sources_key(files, "darwin", "amd64")}
    others.add(find.sources_key(files, *PLATFORM, flags=("-race", *find.BUILD_FLAGS)))
    assert len(others) == len(files) + 3
    assert key not in others


def test_the_sources_lie_in_the_package_and_say_the_version_that_is_stamped() -> None:
    files = find.source_files()
    assert set(files) == {"go.mod", "go.sum", "main.go"}
    assert f"k8s.io/kubernetes v{find.VERSION}\n".encode() in files["go.mod"]
    assert b"go.etcd.io/etcd/server/v3 v3.6.8\n" in files["go.mod"]
    assert any(f"gitVersion=v{find.VERSION} " in flag for flag in find.BUILD_FLAGS)
