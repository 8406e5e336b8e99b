"""The last step of a deployment: the model answers.

Pods that are ready are not yet an answer. This step asks the model itself, through the API server and the Service, and
is done once it says that it is ready and describes itself (Open Inference Protocol v2), on as many replicas as are
wanted. It makes nothing; so its removal finds nothing, and a revived one, which does not know its model, sees nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.names import Namespaced
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing
from eksprov.core.words import plural
from eksprov.kube.api import KubeApi, Ref
from eksprov.kube.objects import owner_of
from eksprov.kube.resources import proxy_path


@dataclass(frozen=True)
class EndpointFacts:
    """Whether the model answers; `waiting` says what is missing when it does not."""

    answers: bool
    owner: Owner | None = field(default=None, compare=False)
    waiting: str = field(default="", compare=False)
    platform: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class ModelEndpoint(Step[KubeApi, EndpointFacts]):
    """`slug` is `<namespace>/<service>`; `model` the name in the protocol; empty for a revived step."""

    kind: ClassVar[str] = "model-endpoint"
    billing: ClassVar[Billing | None] = UNBILLED
    world: ClassVar[Any] = "kube"
    timing: ClassVar[Timing] = Timing(create_s=2, create_limit_s=900)

    model: str = ""
    port: str = "http"
    min_replicas: int = 1

    def desired(self, outputs: Outputs) -> EndpointFacts:
        return EndpointFacts(answers=True)

    def describe(self, want: EndpointFacts) -> str:
        """What is created, for the plan."""
        return f"{self.model} answers at {self.slug}, {plural(self.min_replicas, 'replica')} available"

    def discover(self, client: KubeApi, *, fresh: bool = False) -> EndpointFacts | None:
        """Ask the model; None while there is no Service to ask through."""
        at = Namespaced.parse(self.slug)
        namespace, service = at.namespace, at.name
        live = client.get(Ref("v1", "Service", namespace, service)) if self.model else None
        if live is None:
            return None
        owner, path = owner_of(live), f"v2/models/{self.model}"
        ready = client.service_proxy(namespace, service, self.port, "GET", f"{path}/ready")
        if ready.status != 200:
            return EndpointFacts(False, owner, f"the model does not answer yet (HTTP {ready.status})")
        about = client.service_proxy(namespace, service, self.port, "GET", path)
        if about.status != 200:
            return EndpointFacts(False, owner, f"the model does not describe itself yet (HTTP {about.status})")
        available = self._available(client, namespace, service)
        if available < self.min_replicas:
            return EndpointFacts(False, owner, f"{available} of {self.min_replicas} replicas available")
        return EndpointFacts(True, owner, platform=_platform(about.body))

    def create(self, client: KubeApi, want: EndpointFacts, token: str) -> dict[str, str]:
        """Nothing to make; the wait for an answer follows."""
        return {}

    def delete(self, client: KubeApi, have: EndpointFacts) -> None:
        """Nothing to delete: the Service is a step of its own."""

    def outputs(self, have: EndpointFacts) -> dict[str, str]:
        """Where the model is called: inside the cluster, and through the API server."""
        at = Namespaced.parse(self.slug)
        namespace, service = at.namespace, at.name
        return {
            "url": f"http://{service}.{namespace}.svc.cluster.local/v2/models/{self.model}/infer",
            "proxy_path": proxy_path(namespace, service, self.port, f"v2/models/{self.model}/infer"),
            "platform": have.platform,
        }

    def phase(self, have: EndpointFacts) -> Phase:
        """In motion until it answers."""
        return READY if have.answers else Phase(PhaseState.MOVING, have.waiting)

    @classmethod
    def list_owned(cls, client: KubeApi, stack: str) -> Iterable[FoundResource]:
        """Nothing: an answer leaves nothing behind."""
        return ()

    def _available(self, client: KubeApi, namespace: str, name: str) -> int:
        deployment = client.get(Ref("apps/v1", "Deployment", namespace, name)) or {}
        return int((deployment.get("status") or {}).get("availableReplicas", 0))


def _platform(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("platform", "")) if isinstance(answer, dict) else ""
