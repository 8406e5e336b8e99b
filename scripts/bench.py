"""Measures what a user waits for before anything happens, as ratios to the cheapest thing this machine can do.

Absolute times differ from machine to machine; within one run their ratio to an empty Python does not. Each command
runs `ROUNDS` times, interleaved so that a busy moment hits all alike, and the median counts. Prints one line a
measurement: milliseconds, times the empty Python, and the goal where there is one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 7
BASE = "python -c pass"


@dataclass(frozen=True)
class Measurement:
    """Median milliseconds of one thing, and the goal for it (0: none)."""

    name: str
    milliseconds: float
    goal_ms: float = 0.0


def command(*arguments: str) -> Callable[[], None]:
    """Running this Python with arguments, its output thrown away."""
    # Users' Pythons keep their .pyc files; a machine set up to write none would compile everything every time.
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def act() -> None:
        subprocess.run((sys.executable, *arguments), cwd=ROOT, env=environ, capture_output=True, check=True)

    return act


def first_word() -> Callable[[], None]:
    """A command where no .pyc file exists yet, up to the first line that it says (here: that there is no config)."""

    def act() -> None:
        with tempfile.TemporaryDirectory() as cache:
            process = subprocess.Popen(
                (sys.executable, "-m", "eksprov", "plan"),
                cwd=cache,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": cache, "EKSPROV_LOCAL_HOME": cache},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            assert process.stderr is not None
            process.stderr.readline()
            process.kill()
            process.communicate()

    return act


def seconds(act: Callable[[], None]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def plan_of(count: int) -> Callable[[], None]:
    """Ordering a chain of `count` steps with its critical_paths: the pure part of a plan that grows with the stack."""
    from eksprov.core.executor import Node, critical_paths, order

    chain = [Node(f"s{n}", (f"s{n - 1}",) if n else (), 1.0) for n in range(count)]

    def act() -> None:
        order(chain)
        critical_paths(chain)

    return act


def parsing() -> Callable[[], None]:
    """Reading a config with every key in it."""
    from eksprov.config.load import parse
    from eksprov.config.template import template

    text = template()

    def act() -> None:
        parse(text)

    return act


def measure() -> list[Measurement]:
    """Every measurement, the empty Python first."""
    from eksprov.config.template import template

    with tempfile.TemporaryDirectory() as folder:
        config = str(Path(folder) / "eksprov.yaml")
        Path(config).write_text(template())
        acts: dict[str, tuple[Callable[[], None], float]] = {
            BASE: (command("-c", "pass"), 0),
            "eksprov --version": (command("-m", "eksprov", "--version"), 60),
            "eksprov --help": (command("-m", "eksprov", "--help"), 60),
            "eksprov validate": (command("-m", "eksprov", "validate", "--config", config), 200),
            # What a command that talks to a cluster pays beside what it waits for, and what less would cost.
            "import kubernetes": (command("-c", "import kubernetes.client"), 0),
            "import urllib3": (command("-c", "import urllib3"), 0),
            "first word, cold": (first_word(), 2000),
            "parse a config": (parsing(), 0),
            "order 100 steps": (plan_of(100), 0),
            "order 1,000 steps": (plan_of(1000), 1000),
        }
        for act, _ in acts.values():
            act()  # caches, .pyc files
        taken: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(ROUNDS):
            for name, (act, _) in acts.items():
                taken[name].append(seconds(act))
    return [Measurement(name, statistics.median(taken[name]) * 1000, goal) for name, (_, goal) in acts.items()]


def main() -> int:
    """Print the measurements, or JSON with --json."""
    found = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps({one.name: round(one.milliseconds, 2) for one in found}, indent=2))
        return 0
    for one in found:
        goal = f"  (goal {one.goal_ms:.0f} ms)" if one.goal_ms else ""
        print(f"{one.name:20} {one.milliseconds:9.2f} ms {one.milliseconds / found[0].milliseconds:7.2f} x{goal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
