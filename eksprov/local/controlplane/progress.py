"""How far a build has come, told from what `go build -v` prints. Pure.

Go prints `go: downloading <module> <version>` for what it fetches and then one line for each package that it
starts to compile; the program's own package comes last, before the link. Packages that lie in Go's cache are not
printed; so those that an earlier, interrupted build printed are counted as done from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from eksprov.local.controlplane.find import VERSION

# Printed by a build with empty caches; `MAIN_PACKAGE` is the module of go.mod.
TOTAL_PACKAGES = 2531
MAIN_PACKAGE = "eksprov.local/kubernetes"
# Linking takes 16 to 28 s on two cores.
LINK_S = 20.0
# Before that many packages a rate says nothing.
ENOUGH_PACKAGES = 50
# (share of the packages begun, share of the compile time gone), from a recorded build on two cores. Go's own
# library comes first and is quick, so the bare number of packages would promise half the true time at first.
WORK = (
    (0.0, 0.0),
    (0.085, 0.038),
    (0.185, 0.115),
    (0.315, 0.270),
    (0.426, 0.426),
    (0.486, 0.502),
    (0.668, 0.655),
    (0.820, 0.808),
    (0.953, 0.925),
    (1.0, 1.0),
)

Phase = Literal["waiting", "toolchain", "modules", "compiling", "linking", "done"]


@dataclass(frozen=True)
class BuildProgress:
    """Where a build stands: `done` of `total` packages, seconds gone, seconds left (None: not known yet)."""

    phase: Phase
    done: int
    total: int
    elapsed_s: float
    left_s: float | None = None

    def __str__(self) -> str:
        """How far the build is, in one line for people."""
        title = f"building Kubernetes v{VERSION}"
        words = {
            "waiting": f"waiting for another eksprov that is {title}",
            "toolchain": f"{title}: getting the Go toolchain",
            "modules": f"{title}: fetching the sources",
            "linking": f"{title}: linking",
            "done": f"built Kubernetes v{VERSION} in {self.elapsed_s:.0f} s",
        }
        line = words.get(self.phase, f"{title}: {self.done:,} of {self.total:,} packages")
        if self.phase == "done":
            return line
        left = f"about {_rounded(self.left_s)} s left" if self.left_s is not None else f"{self.elapsed_s:.0f} s so far"
        return f"{line}, {left}"


ProgressCallback = Callable[[BuildProgress], None]


class Tracker:
    """Follows one build. `clock` gives seconds; `compiled` names the packages of earlier, interrupted builds."""

    def __init__(self, clock: Callable[[], float], compiled: Iterable[str] = (), total: int = TOTAL_PACKAGES) -> None:
        self._clock = clock
        self._started = clock()
        self._total = total
        self._compiled = set(compiled)
        self._before = len(self._compiled)
        self._compile_started: float | None = None
        self._link_started: float | None = None
        self._phase: Phase = "toolchain"

    def enter(self, phase: Phase) -> None:
        """A new phase has begun."""
        self._phase = phase

    def line(self, text: str) -> bool:
        """Take one line of Go's output; whether it named a package that is now being compiled."""
        if self._phase in ("waiting", "toolchain"):  # another command is talking
            return False
        if text.startswith("go: downloading "):
            # A module may be fetched in the middle of compiling: then the packages still tell more.
            if self._compile_started is None:
                self._phase = "modules"
            return False
        if not is_package(text):
            return False
        if self._compile_started is None:
            self._compile_started = self._clock()
        self._compiled.add(text)
        self._phase = "compiling"
        if text == MAIN_PACKAGE:
            self._phase, self._link_started = "linking", self._clock()
        return True

    def now(self) -> BuildProgress:
        """Where the build stands now; never all packages before it is done."""
        total = max(self._total, len(self._compiled))
        done = total if self._phase == "done" else min(len(self._compiled), total - 1)
        left = self._left(total - len(self._compiled))
        return BuildProgress(self._phase, done, total, self._clock() - self._started, left)

    def _left(self, packages: int) -> float | None:
        if self._phase == "done":
            return 0.0
        if self._link_started is not None:
            return max(1.0, LINK_S - (self._clock() - self._link_started))
        fresh = len(self._compiled) - self._before
        if self._compile_started is None or fresh < ENOUGH_PACKAGES:
            return None
        total = packages + len(self._compiled)
        begun, now = work_share(self._before / total), work_share(len(self._compiled) / total)
        return (self._clock() - self._compile_started) * (1 - now) / (now - begun) + LINK_S


def work_share(packages_share: float) -> float:
    """The share of the compile time that is gone when this share of the packages has begun; between 0 and 1."""
    for (left, low), (right, high) in pairwise(WORK):
        if packages_share <= right:
            return low + (high - low) * (packages_share - left) / (right - left)
    return 1.0


def is_package(text: str) -> bool:
    """Whether a line of `go build -v` is a package's import path, and no message."""
    return bool(text) and " " not in text and not text.startswith(("go:", "#", "\t"))


def _rounded(seconds: float) -> int:
    """To 5 s from half a minute on: more would claim to know more."""
    return round(seconds / 5) * 5 if seconds >= 30 else max(1, round(seconds))
