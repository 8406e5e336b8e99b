"""Which control-plane programs to run: those the user names, or those in the cache; else they must be built.

The programs are either one file that is all four (its first argument names the component), as `build.py` makes
it, or a folder with the official ones. What is in the cache lies under a hash of everything it was made from, so
a newer eksprov never runs an older one's programs.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from eksprov.errors import LocalWorldError

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SOURCES = ("go.mod", "go.sum", "main.go")
VERSION = "1.36.3"
VARIABLE = "EKSPROV_KUBERNETES"
HINT = (
    f"Set {VARIABLE} to the file that `eksprov` built elsewhere, or to a folder with the official "
    f"{', '.join(COMPONENTS)} (https://kubernetes.io/releases/download/, https://github.com/etcd-io/etcd/releases); "
    "unset, it is built from source."
)

_STAMP = "k8s.io/component-base/version"
# No inlining, no debug information, no collection of the compiler's garbage: half the build time, and a server
# that starts as fast. https://pkg.go.dev/cmd/go, https://pkg.go.dev/cmd/compile. The version stamps are those of
# Kubernetes' own build (hack/lib/version.sh); without them kubectl cannot parse the server's version.
BUILD_FLAGS = (
    "-trimpath",
    "-buildvcs=false",
    "-gcflags=all=-l -dwarf=false",
    "-ldflags=-s -w "
    f"-X {_STAMP}.gitVersion=v{VERSION} -X {_STAMP}.gitMajor=1 -X {_STAMP}.gitMinor=36 "
    f"-X {_STAMP}.gitTreeState=clean -X {_STAMP}.buildDate=1970-01-01T00:00:00Z",
)


@dataclass(frozen=True)
class Binaries:
    """The control plane's programs: `path` is a file that is all of them, or a folder that holds each.

    `version` is Kubernetes' own, such as "1.36.3"; `origin` tells where it came from, for people.
    """

    path: Path
    version: str
    origin: str

    def command(self, component: str) -> tuple[str, ...]:
        """The beginning of the component's command line."""
        if self.path.is_dir():
            return (str(self.path / component),)
        return (str(self.path), component)


def find(environ: Mapping[str, str], cache: Path) -> Binaries | None:
    """The programs to run, or None where they have to be built first; runs `kube-apiserver --version` at most.

    `cache` is `home.cache_home`. Raises `LocalWorldError` where EKSPROV_KUBERNETES names what cannot be used.
    """
    if chosen := environ.get(VARIABLE):
        path = Path(chosen).expanduser().absolute()
        _check(path)
        return Binaries(path, _version_of(Binaries(path, "", "")), VARIABLE)
    built = built_path(cache)
    return Binaries(built, VERSION, "cache") if built.is_file() and os.access(built, os.X_OK) else None


def built_path(cache: Path) -> Path:
    """Where `build.py` puts the program made from the sources of this eksprov for this kind of machine."""
    return cache / "kubernetes" / sources_key(source_files(), *go_platform()) / "kubernetes"


def source_files() -> dict[str, bytes]:
    """The Go files that lie beside this module, by name."""
    here = resources.files(__package__)
    return {name: here.joinpath(name).read_bytes() for name in SOURCES}


def sources_key(files: Mapping[str, bytes], goos: str, goarch: str, flags: tuple[str, ...] = BUILD_FLAGS) -> str:
    """16 hex digits that change with the sources, the build flags and the kind of machine, and with nothing else."""
    digest = hashlib.sha256()
    parts = [part for name in sorted(files) for part in (name.encode(), files[name])]
    for part in (*parts, *(flag.encode() for flag in flags), goos.encode(), goarch.encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def go_platform() -> tuple[str, str]:
    """(GOOS, GOARCH) of this machine in Go's words (https://go.dev/doc/install/source#environment)."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    return platform.system().lower(), names.get(machine, machine)


def _check(path: Path) -> None:
    programs = [path / name for name in COMPONENTS] if path.is_dir() else [path]
    for program in programs:
        if not program.is_file():
            raise LocalWorldError(f"{VARIABLE}={path}: there is no {program}", HINT)
        if not os.access(program, os.X_OK):
            raise LocalWorldError(f"{VARIABLE}={path}: {program} is not executable", f"chmod +x {program}")


def _version_of(binaries: Binaries) -> str:
    command = (*binaries.command("kube-apiserver"), "--version")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalWorldError(f"{VARIABLE}: {command[0]} does not run: {error}", HINT) from error
    found = re.search(r"Kubernetes v(\d+\.\d+\.\d+\S*)", answer.stdout)
    if answer.returncode != 0 or found is None:
        raise LocalWorldError(f"{VARIABLE}: {command[0]} does not answer as kube-apiserver --version does", HINT)
    return found[1]
