"""One Kubernetes object as a step: server-side apply, proven by reading back.

`KubeObject` is ready as soon as it is there; `KubeWorkload`, the Deployment, is in motion until its rollout is done and
failed when `rollout` says so. A rollout is judged only while the live object is what is wanted: one that differs is
about to be replaced, and must not be kept from it by its own failure.

A change made by hand with kubectl is reverted, like any other drift. Fields that another program manages are not
fought over: that is an error that names the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from eksprov.core.step import READY, Outputs, Owner, Phase, Sighting, State, Step, Timing
from eksprov.kube.api import ConflictError, KubeApi, Manifest, Ref
from eksprov.kube.owned import cut, flat
from eksprov.serving.manifests import STACK_ID, STACK_LABEL, STEP
from eksprov.serving.observe import observe
from eksprov.serving.rollout import verdict

# The kinds eksprov makes, beside the Deployment.
PLAIN_KINDS: Final = (
    ("v1", "Namespace"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "ServiceAccount"),
    ("v1", "Service"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
)


@dataclass(frozen=True)
class ObjectFacts:
    """`fields` are those our manifest sets, one line each, as `owned.flat` writes them."""

    fields: Mapping[str, str]
    owner: Owner | None = field(default=None, compare=False)
    uid: str = field(default="", compare=False)
    phase: Phase = field(default=READY, compare=False)
    holding: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class KubeObject(Step[KubeApi, ObjectFacts]):
    """The object that `manifest` describes; `slug` is its `Ref`."""

    kind: ClassVar[str] = "kube-object"
    world: ClassVar[Any] = "kube"
    timing: ClassVar[Timing] = Timing(create_s=0.5, delete_s=2)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = PLAIN_KINDS

    manifest: Manifest = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """The object's address."""
        return Ref.parse(self.slug)

    def desired(self, outputs: Outputs) -> ObjectFacts:  # noqa: ARG002 -- the manifest is complete from the start
        """The fields of the manifest."""
        return ObjectFacts(flat(self.manifest))

    def discover(self, client: KubeApi, *, fresh: bool = False) -> ObjectFacts | None:  # noqa: ARG002 -- one read
        """The same fields of the live object."""
        live = client.get(self.ref)
        if live is None:
            return None
        fields = cut(live, self.manifest)
        return ObjectFacts(
            fields, owner_of(live), live["metadata"].get("uid", ""), self._phase(client, live, fields), _holding(live)
        )

    def create(self, client: KubeApi, want: ObjectFacts, token: str) -> dict[str, str]:  # noqa: ARG002 -- named objects
        """Apply the manifest."""
        client.apply(self.manifest)
        return self.outputs(want)

    def update(self, client: KubeApi, want: ObjectFacts, have: ObjectFacts, fields: tuple[str, ...]) -> None:  # noqa: ARG002
        """Apply the manifest; what a person changed with kubectl is taken back."""
        try:
            client.apply(self.manifest)
        except ConflictError as conflict:
            if not all(manager.startswith("kubectl") for manager in conflict.managers):
                raise
            client.apply(self.manifest, force=True)

    def delete(self, client: KubeApi, have: ObjectFacts) -> None:
        """Delete this very object, what it owns first."""
        client.delete(self.ref, uid=have.uid)

    def outputs(self, have: ObjectFacts) -> dict[str, str]:  # noqa: ARG002 -- the address says it all
        """The object's namespace and name."""
        return {"namespace": self.ref.namespace, "name": self.ref.name}

    def phase(self, have: ObjectFacts) -> Phase:
        """As it was when it was read."""
        return have.phase

    def blockers(self, client: KubeApi, have: ObjectFacts) -> tuple[str, ...]:  # noqa: ARG002 -- it was read with the rest
        """What keeps an object on its way out: finalizers, or what a namespace still holds."""
        return have.holding

    @classmethod
    def survey(cls, client: KubeApi, stack: str) -> Iterable[Sighting]:
        """Every object of these kinds that carries the stack's label."""
        for api_version, kind in cls.surveyed:
            for live in client.list(api_version, kind, selector=f"{STACK_LABEL}={stack}"):
                if owner := owner_of(live):
                    ref = Ref.of(live)
                    yield Sighting(cls.kind, str(ref), ref.title, owner)

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:  # noqa: ARG002 -- for workloads
        return _leaving(live) or READY


@dataclass(frozen=True, kw_only=True)
class KubeWorkload(KubeObject):
    """A Deployment, done when its rollout is."""

    kind: ClassVar[str] = "kube-workload"
    # The limit is above the longest progress deadline that the config allows; that one comes first.
    timing: ClassVar[Timing] = Timing(create_s=40, delete_s=35, create_limit_s=9000)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = (("apps/v1", "Deployment"),)

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        if leaving := _leaving(live):
            return leaving
        if not self.manifest or fields != flat(self.manifest):
            return READY
        return verdict(observe(client, live))


def owner_of(live: Manifest) -> Owner | None:
    """Whose an object is, by its label and annotations; None for a stranger's."""
    meta = live["metadata"]
    stack, notes = (meta.get("labels") or {}).get(STACK_LABEL), meta.get("annotations") or {}
    return Owner(stack, notes.get(STACK_ID, ""), notes.get(STEP, "")) if stack else None


def _leaving(live: Manifest) -> Phase | None:
    return Phase(State.LEAVING, "being deleted") if live["metadata"].get("deletionTimestamp") else None


def _holding(live: Manifest) -> tuple[str, ...]:
    if not live["metadata"].get("deletionTimestamp"):
        return ()
    conditions = (live.get("status") or {}).get("conditions") or ()
    told = tuple(c["message"] for c in conditions if c.get("status") == "True" and c.get("message"))
    return (*(f"finalizer {name}" for name in live["metadata"].get("finalizers") or ()), *told)
