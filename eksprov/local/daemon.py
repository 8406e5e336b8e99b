"""The local world's one background process: the AWS server and the hub of local clusters.

`python -m eksprov.local.daemon --home DIR --speed N` goes into the background (a session of its own, output to
`DIR/daemon.log`), prints its pid, and writes `DIR/world.json` once it answers. SIGTERM, or a POST to
`/eksprov/shutdown` with the key in `DIR/control.key`, ends it in order with all its children; so does taking
`world.json` away, and so does time, where nobody needs it (`lifetime`). It keeps nothing over a stop.

Environment: `EKSPROV_LOCAL_NO_KUBERNETES=1` leaves Kubernetes out (for tests), all else goes to the hub.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import queue
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eksprov import __version__
from eksprov.local.contract import AwsSide, KubernetesSide, Product
from eksprov.local.home import private_folder, write_private
from eksprov.local.lifetime import IDLE_S, Lifetime

if TYPE_CHECKING:
    from eksprov.local.aws.emulator import LocalAws

log = logging.getLogger("eksprov.local.daemon")

WORLD_FILE = "world.json"
KEY_FILE = "control.key"
LOG_FILE = "daemon.log"
PRODUCTS_FILE = "products.json"  # the price list that it was given
LISTED = "GET /eksprov/listed"  # what `local list` asks: to be looked at is no reason to live on
NO_KUBERNETES = "EKSPROV_LOCAL_NO_KUBERNETES"
TICK_S = 0.2
LOOK_AT_FILE_EVERY = 10


class Kubernetes(KubernetesSide, Protocol):
    """What the daemon needs of the Kubernetes half; `hub.Hub` is it."""

    def connect(self, aws: AwsSide) -> None: ...

    def prefetch(self) -> None: ...

    def build_progress(self) -> str: ...

    def close(self) -> None: ...


def _products(home: Path) -> Iterator[Product]:
    with contextlib.suppress(FileNotFoundError):  # by hand it may be started without
        yield from (Product(**each) for each in json.loads((home / PRODUCTS_FILE).read_bytes()))


def main(argv: Sequence[str] | None = None) -> int:
    """Go into the background and serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m eksprov.local.daemon")
    parser.add_argument("--home", type=Path, required=True, help="the folder of this local world")
    parser.add_argument("--speed", type=float, required=True, help="how many times faster than AWS")
    parser.add_argument("--state", default="", help="the folder of the states that it belongs to")
    parser.add_argument("--idle-s", type=float, default=IDLE_S, help="how long an empty one lives without a command")
    options = parser.parse_args(argv)
    home = private_folder(options.home)
    if not _detach(home):
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        Daemon(home, options.speed, state=options.state, idle_s=options.idle_s).run()
    except Exception:  # the end of a process without a terminal: whatever it was must stand in its log
        log.exception("the local world ends with an error")
        return 1
    return 0


class Daemon:
    """One local world at `home`."""

    def __init__(self, home: Path, speed: float, *, state: str = "", idle_s: float = IDLE_S) -> None:
        self._home = home
        self._speed = speed
        self._state, self._idle_s = state, idle_s
        # A handler may come in while this very thread waits, so nothing is locked: putting something in never waits
        # (https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put).
        self._stop: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def run(self) -> None:
        """Serve until SIGTERM, a shutdown request, or the loss of `world.json`."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.put(None))
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # spare a second of loading; nothing here needs them
        os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # no web page has any business here
        from eksprov.local.aws.emulator import LocalAws
        from eksprov.local.aws.server import AwsServer
        from eksprov.local.faults.switchboard import Switchboard

        kubernetes = self._kubernetes()
        world = LocalAws(kubernetes, time.time, self._speed, role_lag=True, products=_products(self._home))
        kubernetes.connect(world)
        lifetime = Lifetime(time.monotonic, lambda: _is_empty(world), self._idle_s)
        key, faults = secrets.token_urlsafe(32), Switchboard(world)
        server = AwsServer(
            world,
            key=key,
            control={**self._control(world, kubernetes, lifetime), "GET /eksprov/faults": faults.report},
            told={"POST /eksprov/faults": faults.switch},
            trouble=faults,
            afterwards={"POST /eksprov/shutdown": lambda: self._stop.put(None)},
            heard=lambda asked: lifetime.touch() if asked != LISTED else None,
        )
        server.start()
        write_private(self._home / KEY_FILE, key)
        self._announce(server.url)
        log.info("eksprov %s answers at %s, speed %g", __version__, server.url, self._speed)
        try:
            self._tick(world, lifetime)
        finally:
            log.info("ending")
            server.stop()
            kubernetes.close()
            self._withdraw()
            log.info("ended")

    def _kubernetes(self) -> Kubernetes:
        if os.environ.get(NO_KUBERNETES):
            from eksprov.local.aws.without_kubernetes import WithoutKubernetes

            return WithoutKubernetes()
        from eksprov.local.hub import Hub

        return Hub(self._home, os.environ)

    def _control(
        self, world: LocalAws, kubernetes: Kubernetes, lifetime: Lifetime
    ) -> dict[str, Callable[[], dict[str, Any]]]:
        def status() -> dict[str, Any]:
            with world.lock:
                clusters = [_cluster(world, cluster.arn) for cluster in world.clusters()]
            return {
                "version": __version__,
                "pid": os.getpid(),
                "speed": self._speed,
                "started_at": self._started_at,
                "aws_endpoint_url": world.url,
                "kubernetes": kubernetes.build_progress(),
                "clusters": clusters,
            }

        def prefetch() -> dict[str, Any]:
            kubernetes.prefetch()
            return {}

        def keep() -> dict[str, Any]:
            lifetime.keep()
            return {}

        def listed() -> dict[str, Any]:
            from eksprov.local.aws.contents import stacks

            with world.lock:
                found, left = stacks(world), lifetime.ends_in_s()
            return {"stacks": found, "kept": lifetime.kept, "ends_in_s": None if left is None else round(left)}

        return {
            "GET /eksprov/status": status,
            "POST /eksprov/prefetch": prefetch,
            "POST /eksprov/keep": keep,
            LISTED: listed,
            "POST /eksprov/shutdown": status,
        }

    def _announce(self, url: str) -> None:
        import psutil

        world = {
            "pid": os.getpid(),
            "created": psutil.Process().create_time(),
            "url": url,
            "version": __version__,
            "started_at": self._started_at,
            "speed": self._speed,
            "state": self._state,
        }
        write_private(self._home / WORLD_FILE, json.dumps(world))

    def _tick(self, world: LocalAws, lifetime: Lifetime) -> None:
        count = 0
        while not self._is_stopped():
            count += 1
            if count % LOOK_AT_FILE_EVERY == 0 and not self._is_ours():
                log.warning("%s is gone: nobody could find this world any more", WORLD_FILE)
                return
            if lifetime.is_over():
                log.info("nothing is in it, and nobody has asked anything for %g s", self._idle_s)
                return
            try:
                world.tick()
            except Exception:  # one odd resource must not stop the clock for all others
                log.exception("the clock stumbled")

    def _is_stopped(self) -> bool:
        """Whether it is to end; waits for the length of a tick."""
        with contextlib.suppress(queue.Empty):
            self._stop.get(timeout=TICK_S)
            return True
        return False

    def _is_ours(self) -> bool:
        try:
            return bool(json.loads((self._home / WORLD_FILE).read_bytes())["pid"] == os.getpid())
        except (OSError, ValueError, LookupError):
            return False

    def _withdraw(self) -> None:
        if self._is_ours():
            for name in (WORLD_FILE, KEY_FILE):
                with contextlib.suppress(OSError):
                    (self._home / name).unlink()


def _is_empty(world: LocalAws) -> bool:
    from eksprov.local.aws.contents import is_empty

    with world.lock:
        return is_empty(world)


def _cluster(world: LocalAws, arn: str) -> dict[str, Any]:
    cluster = world.find_cluster(arn)
    assert cluster is not None
    nodes = [node.name for group in cluster.nodegroups.values() for node in group.nodes.values() if node.added]
    nodes += cluster.on_demand.values()
    return {
        "name": cluster.name,
        "arn": arn,
        "status": cluster.status,
        "version": cluster.version,
        "endpoint": cluster.shape.get("endpoint", ""),
        "message": world.kubernetes.cluster_status(arn).message,
        "nodes": sorted(nodes),
    }


def _detach(home: Path) -> bool:
    """Fork; the parent prints the child's pid and gets False, the child is a daemon and gets True."""
    child = os.fork()
    if child:
        print(child, flush=True)
        return False
    os.setsid()
    os.umask(0o077)
    os.chdir(home)
    out = os.open(home / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.close(out)
    os.close(nothing)
    return True


if __name__ == "__main__":
    sys.exit(main())
