"""What can serve a model, as data: an image, how it is reached, what libraries it carries, what its folder has to hold.

Images are named by exact version; the lock file adds the digest that a registry gives (`eksprov.pins`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eksprov.serving.inspection.folder import Folder


@dataclass(frozen=True)
class Prepared:
    """What a runtime makes of a model's folder: files beside those that are there, by path, and what is to be told."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    loaded_bytes: int = 0  # of the model's file unpacked, at least, which the server will hold; 0: not known


@dataclass(frozen=True)
class Runtime:
    """A model server. Paths of its HTTP API may hold `{model}`."""

    name: str
    image: str
    version: str
    suffixes: tuple[str, ...]  # of the files that may be a model
    http_port: int
    grpc_port: int
    metrics_port: int
    live_path: str
    ready_path: str
    models_dir: str  # where the model's folder is in the pod
    layout: Callable[[Folder], Prepared]  # raises UsageError for what the server could not load, or not answer from
    host_variable: str  # names the address that the server listens at
    one_at_a_time: bool  # whether health checks wait until a prediction is over
    uid: int = 1000
    server_drain_s: int = 10  # how long it may need to end after SIGTERM
    env: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)  # names and versions in the image, for people
    architectures: tuple[str, ...] = ("amd64",)  # that the image is made for, in Kubernetes' words
    modules: frozenset[str] = frozenset()  # what can be imported in the image beside the standard library
    floor_mib: int = 0  # memory without a model that it cannot do without
    usual_mib: int = 0  # memory without a model that it has in use

    @property
    def carries(self) -> str:
        """Its libraries with their versions, for people."""
        return ", ".join(f"{name} {version}" for name, version in self.libraries.items())
