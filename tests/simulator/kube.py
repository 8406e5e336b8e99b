"""A cluster's API server as a process of the product sees it: every call may be slow, lost, refused, or its last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from support.memory_kube import MemoryKube

from eksprov.kube.api import Manifest, Ref, Reply

if TYPE_CHECKING:
    from simulator.machine import Machine

Answer = TypeVar("Answer")


class SimKube:
    """A `KubeApi` before the one in memory."""

    def __init__(self, machine: Machine, api: Callable[[], MemoryKube]) -> None:
        self._machine, self._open = machine, api

    @property
    def _api(self) -> MemoryKube:
        return self._open()

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """A read."""
        return self._call("Get", False, lambda: self._api.get(ref))

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """A read."""
        return self._call("List", False, lambda: self._api.list(api_version, kind, namespace, selector))

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """A change, unless it is a dry run."""
        name = "DryRun" if dry_run else "Apply"
        return self._call(name, not dry_run, lambda: self._api.apply(manifest, dry_run=dry_run, force=force))

    def delete(self, ref: Ref, *, uid: str = "") -> None:
        """A change."""
        self._call("Delete", True, lambda: self._api.delete(ref, uid=uid))

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail_lines: int | None = None,
        follow: bool = False,
        previous: bool = False,
    ) -> Iterator[str]:
        """A read."""

        def ask() -> Iterator[str]:
            how = {"follow": follow, "previous": previous}
            return self._api.logs(namespace, pod, container, tail_lines=tail_lines, **how)

        return self._call("Logs", False, ask)

    def service_proxy(
        self,
        namespace: str,
        service: str,
        port: str,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """A read."""

        def ask() -> Reply:
            return self._api.service_proxy(namespace, service, port, method, path, body, timeout_s=timeout_s)

        return self._call("Proxy", False, ask)

    def server_version(self) -> str:
        """A read."""
        return self._call("Version", False, lambda: self._api.server_version())

    def _call(self, operation: str, mutating: bool, carry_out: Callable[[], Answer]) -> Answer:
        answer: Answer = self._machine.kube_call(operation, mutating, carry_out)
        return answer
