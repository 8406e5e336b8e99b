"""What the model commands ask for, over `operations.models` and `serving`: the models of one stack.

`export` works from the config and the record alone; everything else goes to the cluster.
"""

from __future__ import annotations

import difflib
import queue
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eksprov import errors
from eksprov.core.names import model_step
from eksprov.kube.api import Ref

if TYPE_CHECKING:
    from eksprov.cli.desk import Desk
    from eksprov.cli.progress import Display
    from eksprov.config.schema import Config, Model
    from eksprov.core.plan import Plan
    from eksprov.kube.api import KubeApi
    from eksprov.operations.models import Deployed, Listed
    from eksprov.operations.provision import Report
    from eksprov.operations.stack import Opened
    from eksprov.serving.invoke import Answer
    from eksprov.serving.rows import Given
    from eksprov.state.record import State

NO_ACCOUNT = "000000000000"  # stands for the account in manifests of a stack that was never made


class Stacked(Protocol):
    """The part of `Backend` that models stand on."""

    config: Config
    desk: Desk
    project: Path

    def opened(self, display: Display, *, mint: bool) -> Opened: ...

    def orderly(self) -> AbstractContextManager[None]: ...

    def recorded(self) -> State | None: ...


@dataclass(frozen=True)
class Container:
    """One container whose log is to be read."""

    namespace: str
    pod: str
    name: str


class Models:
    """The models of a stack."""

    def __init__(self, backend: Stacked) -> None:
        self._backend = backend

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(model.name for model in self._backend.config.models)

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The named models of the config, or all of them. Raises: UsageError with the nearest known name."""
        if not names and not self.names:
            raise errors.UsageError("the config names no models", "add one under models: name and path of its folder")
        for name in names:
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, n=1)
                known = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(self.names) or 'none'}"
                raise errors.UsageError(f"the config has no model {name!r}; {known}")
        return tuple(dict.fromkeys(names)) or self.names

    def folder(self, name: str) -> Path | None:
        """Where the files of one of the config's models lie."""
        model = self._model(name)
        return self._backend.project / model.path if model is not None else None

    def plan(self, names: Sequence[str], display: Display) -> Plan:
        from eksprov.operations.models import plan_models

        return plan_models(self._backend.opened(display, mint=False), names)

    def deploy(self, names: Sequence[str], display: Display) -> Deployed:
        """Serve these models and wait until each answers."""
        from eksprov.operations.models import deploy

        opened = self._backend.opened(display, mint=False)
        with self._backend.orderly():
            return deploy(opened, names)

    def undeployment(self, names: Sequence[str], display: Display) -> dict[str, int]:
        """How many of each kind `undeploy` would take away."""
        from eksprov.operations.models import undeployment

        return undeployment(self._backend.opened(display, mint=False), names)

    def undeploy(self, names: Sequence[str], display: Display) -> Report:
        """Take these models off the cluster."""
        from eksprov.operations.models import undeploy

        opened = self._backend.opened(display, mint=False)
        with self._backend.orderly():
            return undeploy(opened, names)

    def listed(self, display: Display) -> tuple[Listed, ...]:
        """Every model of the config and of the cluster."""
        from eksprov.operations.models import listed

        return listed(self._backend.opened(display, mint=False))

    def logs(
        self, name: str, display: Display, *, tail: int | None, follow: bool, previous: bool
    ) -> tuple[tuple[str, ...], Iterator[tuple[str, str]]]:
        """The model's pods, and pairs of pod and line; with `follow` it ends when the pods do.

        Raises: NotThereError where no pod of the model exists.
        """
        from eksprov.operations.models import cluster_api

        namespace = self._namespace(name)
        kube = cluster_api(self._backend.opened(display, mint=False))
        found = list(self._containers(kube, namespace, name))
        if not found:
            raise errors.NotThereError(f"no pod of model {name!r} exists", "`eksprov models` shows what is deployed")
        streams = [_stream(kube, one, tail=tail, follow=follow, previous=previous) for one in found]
        pods = tuple(dict.fromkeys(one.pod for one in found))
        return pods, _merged(streams) if follow else (pair for stream in streams for pair in stream)

    def invoke(self, name: str, given: Given | None, display: Display, timeout_s: float) -> Answer:
        """Send this data, or without any a sample by the model's own description; the model has `timeout_s` for it."""
        from eksprov.operations.models import cluster_api
        from eksprov.serving.expected import Expected
        from eksprov.serving.invoke import Target, describe, invoke, sample_from
        from eksprov.serving.rows import Request
        from eksprov.serving.shaping import left_out, request_of

        target = Target(self._namespace(name), name, name, timeout_s=timeout_s)
        opened = self._backend.opened(display, mint=False)
        kube = cluster_api(opened)
        display.doing(f"asking {name}")
        if given is None:
            body = sample_from(describe(kube, target))
        else:
            expected = Expected() if isinstance(given, Request) else Expected.of(describe(kube, target))
            body = request_of(given, expected)
            if others := left_out(given, expected):
                display.note(f"note: {others}")
        return invoke(kube, target, body, opened.stack.clock, secrets.token_hex(8))

    def export(self, folder: Path, names: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
        """Write each model's manifests below `folder`; the files, and what is worth knowing of them."""
        from eksprov.pins.images import with_digests
        from eksprov.serving.export import export
        from eksprov.serving.graph import all_manifests
        from eksprov.serving.package import read_package
        from eksprov.serving.runtimes import runtime
        from eksprov.serving.sizing import memory
        from eksprov.serving.spec import model_spec

        facts, notes = self._facts()
        written: list[Path] = []
        self._backend.desk.begins(f"files may be written in {folder}")
        for name in names:
            model = self._model(name)
            assert model is not None  # `chosen` has seen to it
            package = read_package(self._backend.project / model.path, name, runtime(model.runtime))
            spec = model_spec(model, facts, package.digest, package.size_bytes)
            held = [with_digests(manifest, self._backend.desk.pins().images) for manifest in all_manifests(spec)]
            written += export(held, folder / name)
            tight = memory(spec, package.loaded_bytes)
            notes = (*notes, *package.warnings, *([str(tight)] if tight else ()))
        return written, notes

    def _facts(self) -> tuple[Any, tuple[str, ...]]:
        """What manifests need to know of the stack, from the record, or of a stack yet to be made."""
        from eksprov.operations.models import subnet_ranges
        from eksprov.serving.spec import StackFacts
        from eksprov.steps.catalog import bucket_name, catalog
        from eksprov.steps.choices import Choices, Zone, from_record

        config, state = self._backend.config, self._backend.recorded()
        choices = from_record(config, state.choices) if state is not None else None
        notes: tuple[str, ...] = ()
        if choices is None:
            zones = tuple(Zone("", "") for _ in range(config.network.availability_zones))
            version = config.kubernetes_version or ""
            choices = Choices(NO_ACCOUNT, "aws", config.region, version, version, zones)
            notes = (f"the stack does not exist yet: the bucket's name carries {NO_ACCOUNT} for its account",)
        stack_id, records = (state.stack_id, state.steps) if state is not None else ("", {})
        cidrs, bucket = subnet_ranges(catalog(config, choices), records), bucket_name(config, choices)
        ipv6, auto = config.network.ipv6, config.autoscaler == "auto-mode"
        return StackFacts(config.name, stack_id, choices.region, bucket, cidrs, ipv6, auto), notes

    def _model(self, name: str) -> Model | None:
        return next((model for model in self._backend.config.models if model.name == name), None)

    def _namespace(self, name: str) -> str:
        """Where the model lives, by the config, else by the record. Raises: UsageError when neither knows it."""
        model, state = self._model(name), self._backend.recorded()
        if model is not None:
            return model.namespace
        record = state.steps.get(model_step(name, "service")) if state is not None else None
        if record is None:
            self.chosen((name,))
            raise AssertionError("a name that the config lacks is refused")
        return Ref.parse(record.slug).namespace

    def _containers(self, kube: KubeApi, namespace: str, name: str) -> Iterator[Container]:
        """The containers of the model's pods, those that fetch it only while they are at it."""
        from eksprov.kube.objects import STACK_LABEL

        selector = f"app.kubernetes.io/name={name},{STACK_LABEL}={self._backend.config.name}"
        for pod in kube.list("v1", "Pod", namespace, selector):
            fetching = (pod.get("status") or {}).get("phase") == "Pending"
            for kind in ("initContainers", "containers") if fetching else ("containers",):
                for container in pod["spec"].get(kind) or ():
                    yield Container(namespace, pod["metadata"]["name"], container["name"])


def _stream(
    kube: KubeApi, container: Container, *, tail: int | None, follow: bool, previous: bool
) -> Iterator[tuple[str, str]]:
    lines = kube.logs(
        container.namespace, container.pod, container.name, tail_lines=tail, follow=follow, previous=previous
    )
    return ((container.pod, line) for line in lines)


def _merged(streams: Sequence[Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
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
