"""The local world as the command line sees it: start it, find it, ask it, end it.

Each state folder has one (`home.local_home`). `world.json` there says which process it is; a pid counts only
together with the process's start time. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eksprov import __version__
from eksprov.errors import LocalWorldError, NoLocalWorldError, SilentWorldError, UsageError
from eksprov.local.home import local_home, private_folder, write_private
from eksprov.local.lifetime import IDLE_S
from eksprov.local.proxies import bypassing, is_proxied

DAEMON = "eksprov.local.daemon"
WORLD_FILE = "world.json"
KEY_FILE = "control.key"
LOG_FILE = "daemon.log"
PRODUCTS_FILE = "products.json"
LOCK_FILE = "start.lock"
START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 10.0
END_TIMEOUT_S = 45.0
DYING_S = 1.0
POLL_S = 0.05
MEMORY_BYTES = 1024**3
DISK_BYTES = 256 * 1024**2
# As in ProcessRecord: start times are told in ticks, relative to a boot time that is itself rounded.
SAME_START_S = 1.0
RESTART = "end it with `eksprov local down`, then try again"


@dataclass(frozen=True)
class WorldInfo:
    """A running local world; `started_at` in UTC, ISO 8601."""

    home: Path
    pid: int
    url: str
    version: str
    speed: float
    started_at: str


def up(
    state_dir: Path,
    speed: float,
    environ: Mapping[str, str],
    *,
    products: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
    keep: bool = False,
    idle_s: float = IDLE_S,
) -> WorldInfo:
    """The world of this state folder, started if there is none; returns once it answers.

    With `keep` it stays until `down`; else it ends `idle_s` after its last command, once nothing is in it.
    Two callers get the same one; it keeps its speed, and its price list: `products`, as `contract.Product` has them.
    Raises `LocalWorldError` where there is no room, where it does not start within 15 s, or where one of another
    eksprov version runs.
    """
    from filelock import FileLock

    home = private_folder(local_home(state_dir, environ))
    with FileLock(home / LOCK_FILE, mode=0o600):
        found = find(state_dir, environ)
        if found is None:
            write_private(home / PRODUCTS_FILE, json.dumps(list(products())))
            found = _start(home, state_dir, speed, environ, idle_s)
    if found.version != __version__:
        raise LocalWorldError(
            f"the local world of {state_dir} was started by eksprov {found.version}, this is {__version__}", RESTART
        )
    if keep:
        ask(found, "POST", "/eksprov/keep")
    return found


def find(state_dir: Path, environ: Mapping[str, str]) -> WorldInfo | None:
    """The running world of this state folder, or None.

    Raises `LocalWorldError` where its process lives but does not answer.
    """
    home = local_home(state_dir, environ)
    info = read(home)
    if info is None:
        return None
    try:
        ask(info, "GET", "/eksprov/status")
    except LocalWorldError:
        # A process that was just killed still has its pid for a moment.
        deadline = time.monotonic() + DYING_S
        while time.monotonic() < deadline:
            if read(home) is None:
                return None
            time.sleep(POLL_S)
        raise
    return info


def status(state_dir: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the world says of itself: `version`, `pid`, `speed`, `started_at`, `aws_endpoint_url`, `clusters`,
    and `kubernetes`, one line on a build that goes on. Raises `LocalWorldError` where none runs.
    """
    return ask(_running(state_dir, environ), "GET", "/eksprov/status")


def calls(state_dir: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The log of AWS calls. Raises `LocalWorldError` where no world runs."""
    return ask(_running(state_dir, environ), "GET", "/eksprov/calls")


def faults(state_dir: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The faults that are on, and what they have struck. Raises `LocalWorldError` where none runs."""
    return ask(_running(state_dir, environ), "GET", "/eksprov/faults")


def set_faults(
    state_dir: Path, environ: Mapping[str, str], names: Sequence[str], seed: int, region: str, *, by: str = "command"
) -> dict[str, Any]:
    """Switch these faults on, and off what the same side ("command" or "config") had on; answers as `faults`.

    Raises `UsageError` where one is not known, or not emulated, and `LocalWorldError` where no world runs.
    """
    body = {"names": list(names), "seed": seed, "region": region, "by": by}
    found = ask(_running(state_dir, environ), "POST", "/eksprov/faults", body)
    if found.get("refused"):
        place = "local.faults: " if by == "config" else ""
        raise UsageError(f"{place}{found['refused']}", found["cure"])
    return found


def prefetch(state_dir: Path, environ: Mapping[str, str]) -> None:
    """Let the world begin to find or build Kubernetes. Raises `LocalWorldError` where none runs."""
    ask(_running(state_dir, environ), "POST", "/eksprov/prefetch")


def env(state_dir: Path, environ: Mapping[str, str], region: str = "us-west-2") -> dict[str, str]:
    """The variables with which any AWS tool uses the world. Raises `LocalWorldError` where none runs."""
    return {
        "AWS_ENDPOINT_URL": _running(state_dir, environ).url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **(bypassing(environ) if is_proxied(environ) else {}),
    }


def down(state_dir: Path, environ: Mapping[str, str]) -> list[str]:
    """End the world and every process it started, also where it was killed; names what was ended.

    It may be called when nothing runs: then the list is empty.
    """
    home = local_home(state_dir, environ)
    if not home.is_dir():
        return []
    from filelock import FileLock

    from eksprov.local.controlplane.process import kill_recorded
    from eksprov.local.hub import kill_leftovers

    with FileLock(home / LOCK_FILE, mode=0o600):
        info = read(home)
        ended = [] if info is None else _end(info)
        # A world that was still starting, or whose file is lost, carries the folder in its environment.
        ended += [f"{name} (killed)" for name in kill_recorded(home)]
        ended += kill_leftovers(home)
        for name in (WORLD_FILE, KEY_FILE):
            (home / name).unlink(missing_ok=True)
    return ended


def _running(state_dir: Path, environ: Mapping[str, str]) -> WorldInfo:
    info = read(local_home(state_dir, environ))
    if info is None:
        raise NoLocalWorldError("no local world is running", "start it with `eksprov local up`")
    return info


def read(home: Path) -> WorldInfo | None:
    """The world of a home, while its process lives."""
    try:
        found = json.loads((home / WORLD_FILE).read_bytes())
        info = WorldInfo(
            home, int(found["pid"]), found["url"], found["version"], float(found["speed"]), found["started_at"]
        )
        created = float(found["created"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError):
        return None  # damaged: its process will notice that it cannot be found, and end
    return info if _is_alive(info.pid, created) else None


def _is_alive(pid: int, created: float | None = None) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        same = created is None or abs(process.create_time() - created) < SAME_START_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ask(info: WorldInfo, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a world answers. Raises `LocalWorldError` where it does not."""
    import http.client
    import urllib.request

    try:
        key = (info.home / KEY_FILE).read_text()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(info.url + path, data, {"X-Eksprov-Key": key}, method=method)
        # No proxy stands between us and this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_TIMEOUT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SilentWorldError(f"the local world (pid {info.pid}) does not answer: {error}", RESTART) from error


def _start(home: Path, state_dir: Path, speed: float, environ: Mapping[str, str], idle_s: float) -> WorldInfo:
    from eksprov.local.controlplane.resources import require

    require(home, "the local world", DISK_BYTES, MEMORY_BYTES)
    for name in (WORLD_FILE, KEY_FILE, LOG_FILE):
        (home / name).unlink(missing_ok=True)
    told = ("--home", str(home), "--speed", str(speed), "--state", str(state_dir.absolute()), "--idle-s", str(idle_s))
    try:
        return _started(home, told, environ)
    except KeyboardInterrupt:  # nobody asked for a world that comes up by itself afterwards
        from eksprov.local.controlplane.process import kill_recorded

        kill_recorded(home)
        raise


def _started(home: Path, told: Sequence[str], environ: Mapping[str, str]) -> WorldInfo:
    pid = _launch(home, told, environ)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        info = read(home)
        if info is not None and info.pid == pid:
            ask(info, "GET", "/eksprov/status")
            return info
        if not _is_alive(pid):
            raise LocalWorldError(f"the local world ended while starting: {_last_lines(home)}", _log_hint(home))
        time.sleep(POLL_S)
    _wait_gone(pid, lambda: os.kill(pid, 9))
    raise LocalWorldError(
        f"the local world did not answer within {START_TIMEOUT_S:.0f} s: {_last_lines(home)}", _log_hint(home)
    )


def _launch(home: Path, told: Sequence[str], environ: Mapping[str, str]) -> int:
    import subprocess

    from eksprov.local.controlplane.record import MARKER

    package = Path(__file__).resolve().parents[2]
    # AWS settings of the user are not for the world that stands in for AWS.
    kept = {name: value for name, value in environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    paths = [str(package), *filter(None, [kept.get("PYTHONPATH")])]
    # The daemon detaches itself, so this ends at once.
    done = subprocess.run(
        [sys.executable, "-P", "-m", DAEMON, *told],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **bypassing(kept), "PYTHONPATH": os.pathsep.join(paths), MARKER: str(home.absolute())},
    )
    if done.returncode or not done.stdout.strip().isdigit():
        raise LocalWorldError(f"the local world does not start: {done.stderr.strip()[-2000:]}", _log_hint(home))
    return int(done.stdout)


def _end(info: WorldInfo) -> list[str]:
    from eksprov.local.controlplane.process import kill_recorded

    ended = [f"local world (pid {info.pid})"]
    try:
        ended += [f"cluster {each['name']}" for each in ask(info, "POST", "/eksprov/shutdown")["clusters"]]
    except LocalWorldError:
        os.kill(info.pid, 15)
    _wait_gone(info.pid, lambda: kill_recorded(info.home))
    return ended


def _wait_gone(pid: int, force: Callable[[], object]) -> None:
    """Wait until the process has ended; call `force` where it does not in time."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while _is_alive(pid):
        if time.monotonic() > deadline:
            force()
            return
        time.sleep(POLL_S)


def _last_lines(home: Path) -> str:
    from eksprov.local.controlplane.process import last_lines

    return last_lines(home / LOG_FILE) or "nothing was logged"


def _log_hint(home: Path) -> str:
    return f"Its log is {home / LOG_FILE}."
