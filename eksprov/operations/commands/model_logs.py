"""The logs of a model's pods, one after the other or as they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eksprov import errors
from eksprov.kube.api import KubeApi
from eksprov.kube.objects import STACK_LABEL
from eksprov.operations.commands.models import cluster_api
from eksprov.operations.stack import Opened


@dataclass(frozen=True)
class Container:
    """One container whose log is to be read."""

    namespace: str
    pod: str
    name: str


@dataclass(frozen=True)
class Which:
    """Which lines of a model's logs are shown."""

    tail: int | None = None  # lines from the end of each container's; None: all
    follow: bool = False  # those to come too
    previous: bool = False  # those of the containers' run before


def logs(opened: Opened, namespace: str, name: str, which: Which) -> tuple[tuple[str, ...], Iterator[tuple[str, str]]]:
    """The model's pods, and pairs of pod and line; where it follows them, it ends when the pods do.

    Raises: NotThereError where no pod of the model exists.
    """
    kube = cluster_api(opened)
    found = list(_containers(kube, namespace, name, opened.us.stack))
    if not found:
        raise errors.NotThereError(f"no pod of model {name!r} exists", "`eksprov models` shows what is deployed")
    streams = [_stream(kube, one, which) for one in found]
    pods = tuple(dict.fromkeys(one.pod for one in found))
    return pods, merged(streams) if which.follow else (pair for stream in streams for pair in stream)


def merged(streams: Sequence[Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Lines of all streams as they come; the first error of one is raised."""
    events: queue.SimpleQueue[tuple[str, str] | BaseException | None] = queue.SimpleQueue()

    def read(stream: Iterator[tuple[str, str]]) -> None:
        try:
            for pair in stream:
                events.put(pair)
        except BaseException as error:
            events.put(error)
        else:
            events.put(None)

    for stream in streams:
        threading.Thread(target=read, args=(stream,), name="logs", daemon=True).start()
    left = len(streams)
    while left:
        event = events.get()
        if isinstance(event, BaseException):
            raise event
        if event is None:
            left -= 1
        else:
            yield event


def _containers(kube: KubeApi, namespace: str, name: str, stack: str) -> Iterator[Container]:
    """The containers of the model's pods, those that fetch it only while they are at it."""
    for pod in kube.list("v1", "Pod", namespace, f"app.kubernetes.io/name={name},{STACK_LABEL}={stack}"):
        fetching = (pod.get("status") or {}).get("phase") == "Pending"
        for kind in ("initContainers", "containers") if fetching else ("containers",):
            for container in pod["spec"].get(kind) or ():
                yield Container(namespace, pod["metadata"]["name"], container["name"])


def _stream(kube: KubeApi, one: Container, which: Which) -> Iterator[tuple[str, str]]:
    lines = kube.logs(
        one.namespace, one.pod, one.name, tail_lines=which.tail, follow=which.follow, previous=which.previous
    )
    return ((one.pod, line) for line in lines)
