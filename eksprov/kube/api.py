"""What eksprov asks of a Kubernetes API server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eksprov import errors

Manifest = Mapping[str, Any]

FIELD_MANAGER = "eksprov"


class ConflictError(errors.ProvisioningError):
    """Another field manager set a field that we want to set; `managers` are the names it goes by."""

    def __init__(self, message: str, hint: str, managers: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.managers = managers


class UnknownKindError(errors.ProvisioningError):
    """The API server serves no such kind: its definition isn't there, not yet taken up, or gone again."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f"the cluster does not know the kind {kind} of {api_version}")


class SlowAnswerError(errors.NoAnswerError):
    """The API server answers, and what was asked through it has not within the time it was given."""


@dataclass(frozen=True)
class Ref:
    """One object's address. Its text form is a step's slug."""

    api_version: str  # like "apps/v1"
    kind: str  # like "Deployment"
    namespace: str  # empty: of the whole cluster
    name: str

    def __str__(self) -> str:
        return f"{self.api_version}|{self.kind}|{self.namespace}|{self.name}"

    @property
    def title(self) -> str:
        """The address for people: "Deployment models/digits"."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """The address that `str` gave."""
        return cls(*text.split("|"))

    @staticmethod
    def is_deployments(text: str) -> bool:
        """Whether a text is the address of a Deployment; it may be none at all."""
        return text.partition("|")[2].startswith("Deployment|")

    @classmethod
    def of(cls, manifest: Manifest) -> Ref:
        """The address of a manifest."""
        meta = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], meta.get("namespace", ""), meta["name"])


@dataclass(frozen=True)
class Reply:
    """The answer to a proxied HTTP request."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class KubeApi(Protocol):
    """An API server, as eksprov uses it. Field manager is always "eksprov".

    Errors: AccessError (401, 403 by RBAC), ConflictError (another manager's field), UnknownKindError (no such kind),
    NoAnswerError (no answer), ProvisioningError (admission, invalid); absence is None, never an error.
    """

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """The object as the API server has it; None where there is none."""

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, of one namespace or (empty) of all; `selector` is a label selector."""

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Server-side apply; `force` takes fields over from other managers. Returns the object as it now is."""

    def delete(self, ref: Ref, *, uid: str = "") -> None:
        """Delete in the foreground: what the object owns goes first. `uid`: only this very object."""

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
        """A container's log, line by line; nothing where there is none (yet)."""

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
        """An HTTP call through the API server to a service's named or numbered port; any status is an answer.

        `timeout_s` is how long the service may take. Raises: SlowAnswerError when it takes longer.
        """

    def server_version(self) -> str:
        """The API server's version, such as "v1.36.3"."""
