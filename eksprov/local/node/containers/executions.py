"""How a stand-in is run: as a process, as a function, or not at all. One small face for all three.

An `Execution` can be waited for and stopped; `ports` says which local port stands for which port of the pod.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from eksprov.local.node.containers import awscli
from eksprov.local.node.containers.logs import ContainerLog
from eksprov.local.node.containers.paths import Mounts, back, place
from eksprov.local.node.containers.processes import ProcessTable
from eksprov.local.node.containers.standins import Copier, Server, StandIn
from eksprov.local.node.network import free_ports


class StartError(Exception):
    """The container cannot be started with this command (RunContainerError, exit code 128)."""


class Execution(Protocol):
    """What stands in for a container while it runs."""

    @property
    def ports(self) -> Mapping[int, int]:
        """Port of the pod to port of 127.0.0.1."""
        ...

    async def wait(self) -> int:
        """Wait for the end; the exit code."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Ask it to end, then make it end."""
        ...


@dataclass(frozen=True)
class Launch:
    """All that is needed to run one container once.

    `env` holds host paths, `command` and `args` container paths; `caller` is asked (blocking) when an AWS command
    begins; `ends` is true for an init container, whose stand-in has nothing to wait for.
    """

    name: str
    command: list[str]
    args: list[str]
    env: Mapping[str, str] = field(repr=False)
    mounts: Mounts
    folder: Path
    log: ContainerLog
    caller: Callable[[], awscli.Caller]
    processes: ProcessTable
    ends: bool = False


async def start(stand_in: StandIn, launch: Launch) -> Execution:
    """Run what stands in. Raises StartError for commands that are not understood."""
    if isinstance(stand_in.runs, Server):
        return await _start_server(stand_in.runs, launch)
    if isinstance(stand_in.runs, Copier):
        return _start_copy(launch)
    return Idle(over=launch.ends)


class Idle:
    """A stand-in: runs until it is stopped; as an init container it is over at once."""

    ports: Mapping[int, int] = {}

    def __init__(self, over: bool) -> None:
        self._stopped = asyncio.Event()
        if over:
            self._stopped.set()

    async def wait(self) -> int:
        """Ends when stopped, as if it had obeyed SIGTERM."""
        await self._stopped.wait()
        return 0

    async def stop(self, grace_s: float) -> None:
        self._stopped.set()


class Command:
    """An AWS CLI command in a thread."""

    ports: Mapping[int, int] = {}

    def __init__(self, fetch: awscli.Fetch, launch: Launch) -> None:
        self._cancelled = threading.Event()
        self._task = asyncio.create_task(asyncio.to_thread(self._run, fetch, launch))

    def _run(self, fetch: awscli.Fetch, launch: Launch) -> int:
        return awscli.run(fetch, launch.caller(), launch.log.write, self._cancelled)

    async def wait(self) -> int:
        return await asyncio.shield(self._task)

    async def stop(self, grace_s: float) -> None:
        """Let the chunk under way finish, then give up."""
        self._cancelled.set()
        await asyncio.wait({self._task}, timeout=grace_s)


class Process:
    """A process of this machine, with local ports in place of the pod's."""

    def __init__(self, process: Any, ports: Mapping[int, int]) -> None:
        self._process = process
        self.ports = ports

    async def wait(self) -> int:
        return int(await self._process.wait())

    async def stop(self, grace_s: float) -> None:
        await self._process.stop(grace_s)


def _start_copy(launch: Launch) -> Execution:
    try:
        fetch = awscli.parse(launch.command, launch.args)
    except awscli.CommandError as error:
        raise StartError(str(error)) from error
    target = place(os.path.normpath(fetch.folder), launch.mounts, launch.folder / "root")
    return Command(replace(fetch, folder=str(target), shown=fetch.folder), launch)


async def _start_server(server: Server, launch: Launch) -> Execution:
    folder = models_folder(server, launch)
    locals_ = free_ports(len(server.ports))
    inside = back(folder, launch.mounts)
    program = Path(__file__).with_name(server.program)
    argv = [sys.executable, "-P", str(program), folder, inside, *map(str, locals_)]
    env = {**server.environment, **clean_environment(launch.folder), **launch.env}
    try:
        process = await launch.processes.start(launch.name, argv, env, launch.folder, launch.log)
    except OSError as error:
        raise StartError(f"{server.package} does not start: {error}") from error
    return Process(process, dict(zip(container_ports(server, launch.env, Path(folder)), locals_, strict=False)))


def models_folder(server: Server, launch: Launch) -> str:
    """The folder that the image's command is given, by command, args or environment; a host path.

    The environment holds host paths already, and a host path must not be translated again: it may itself begin
    with a mount path, such as /tmp.
    """
    root = launch.folder / "root"
    default = launch.env.get(server.folder_variable) or str(place(server.folder, launch.mounts, root))
    words = [*launch.command, *launch.args]
    if not words:
        return default
    if (os.path.basename(words[0]), *words[1:-1]) != server.command:
        only = f"the local world runs only `{' '.join(server.command)} FOLDER` of this image"
        raise StartError(f"{' '.join(words)}: {only}")
    if words[-1] in (f"${server.folder_variable}", f"${{{server.folder_variable}}}"):
        return default
    return str(place(words[-1], launch.mounts, root))


def container_ports(server: Server, env: Mapping[str, str], folder: Path) -> list[int]:
    """The ports that the server would have in its container: settings.json, else the environment, else its own.

    None where it would listen at the container's own loopback address, where nobody else gets.
    """
    settings: dict[str, Any] = {}
    try:
        settings = dict(json.loads((folder / "settings.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        settings = {}  # absent; a damaged one is the server's to complain about
    if is_loopback(str(settings.get("host", env.get(f"{server.prefix}HOST", "0.0.0.0")))):
        return []
    chosen = [settings.get(name, env.get(server.prefix + name.upper(), default)) for name, default in server.ports]
    try:
        return [int(port) for port in chosen]
    except (ValueError, TypeError):
        return []


def is_loopback(host: str) -> bool:
    """Whether a server at this address is reached from its own machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def clean_environment(folder: Path) -> dict[str, str]:
    """What a process gets beside the container's own variables; nothing of the daemon's leaks in."""
    path = os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"])
    home = str(folder)
    return {"PATH": path, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
