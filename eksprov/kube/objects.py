"""One Kubernetes object as a step: server-side apply, proven by reading back.

`KubeObject` is ready as soon as it is there; kinds that take time to do what they are there for say so in `_phase`.
Every object of ours carries the stack's label, and in annotations the stack's id, the step's name and a hash of the
manifest, so that a survey by label finds all of them and a field no longer sent is noticed.

A change made by hand with kubectl is reverted, like any other drift. Fields that another program manages are not
fought over: that is an error that names the program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.step import HERE, READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing
from eksprov.kube.api import ConflictError, KubeApi, Manifest, Ref
from eksprov.kube.describing import described
from eksprov.kube.owned import cut, flat

STACK_LABEL: Final = "eksprov.dev/stack"
STACK_ID: Final = "eksprov.dev/stack-id"
STEP: Final = "eksprov.dev/step"
RENDERED: Final = "eksprov.dev/rendered"

# The kinds that models are made of, beside the Deployment.
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
    """What is compared of an object, and what is known of it besides."""

    fields: Mapping[str, str]  # those that our manifest sets, one line each, as `owned.flat` writes them
    owner: Owner | None = field(default=None, compare=False)  # as its labels say; None: a stranger's
    uid: str = field(default="", compare=False)  # empty: not made yet
    phase: Phase = field(default=READY, compare=False)  # whether it is ready, or on its way
    holding: tuple[str, ...] = field(default=(), compare=False)
    """What keeps one that is being deleted: finalizers, a namespace's contents."""


@dataclass(frozen=True, kw_only=True)
class KubeObject(Step[KubeApi, ObjectFacts]):
    """The object that `manifest` describes; `slug` is its `Ref`."""

    kind: ClassVar[str] = "kube-object"
    billing: ClassVar[Billing | None] = UNBILLED
    world: ClassVar[Any] = "kube"
    timing: ClassVar[Timing] = Timing(create_s=0.5, delete_s=2)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = PLAIN_KINDS  # API version and kind of what `list_owned` finds

    manifest: Manifest = field(default_factory=dict)  # empty: known from a record alone, enough to find and delete it

    @property
    def ref(self) -> Ref:
        return Ref.parse(self.slug)

    def desired(self, outputs: Outputs) -> ObjectFacts:
        """The fields that the manifest sets, as `owned.flat` writes them."""
        return ObjectFacts(flat(self.manifest))

    def describe(self, want: ObjectFacts) -> str:
        """What is created, for the plan."""
        return described(self.ref, want.fields)

    def discover(self, client: KubeApi, *, fresh: bool = False) -> ObjectFacts | None:
        """The fields of the live object that the manifest sets too; None where there is no such object."""
        live = client.get(self.ref)
        if live is None:
            return None
        fields = self._fields(live)
        return ObjectFacts(
            fields, owner_of(live), live["metadata"].get("uid", ""), self._phase(client, live, fields), _holding(live)
        )

    def create(self, client: KubeApi, want: ObjectFacts, token: str) -> dict[str, str]:
        client.apply(self.manifest)
        return self.outputs(want)

    def update(self, client: KubeApi, want: ObjectFacts, have: ObjectFacts, fields: tuple[str, ...]) -> None:
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

    def outputs(self, have: ObjectFacts) -> dict[str, str]:
        """The object's namespace and name."""
        return {"namespace": self.ref.namespace, "name": self.ref.name}

    def phase(self, have: ObjectFacts) -> Phase:
        """The phase that `discover` has read with the fields."""
        return have.phase

    def blockers(self, client: KubeApi, have: ObjectFacts) -> tuple[str, ...]:
        """What keeps an object on its way out: finalizers, or what a namespace still holds."""
        return have.holding

    @classmethod
    def list_owned(cls, client: KubeApi, stack: str) -> Iterable[FoundResource]:
        """Every object of these kinds that carries the stack's label."""
        for one in cls.surveyed:
            yield from resources(client, stack, one, cls.kind)

    def _fields(self, live: Manifest) -> dict[str, str]:
        """The fields that the manifest sets, as the live object has them."""
        return cut(live, self.manifest)

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        return leaving(live) or READY


def stack_labels(stack: str) -> dict[str, str]:
    """The labels of every object of a stack."""
    return {STACK_LABEL: stack, "app.kubernetes.io/managed-by": "eksprov", "app.kubernetes.io/part-of": stack}


def stamped(manifest: Manifest, stack_id: str, step: str) -> dict[str, Any]:
    """The manifest with its owner and a hash of itself in its annotations; the hash shows a field no longer sent."""
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
    meta = manifest["metadata"]
    own = {STACK_ID: stack_id, STEP: step, RENDERED: digest}
    return {**manifest, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), **own}}}


def owner_of(live: Manifest) -> Owner | None:
    """Whose an object is, by its label and annotations; None for a stranger's."""
    meta = live["metadata"]
    stack, notes = (meta.get("labels") or {}).get(STACK_LABEL), meta.get("annotations") or {}
    return Owner(stack, notes.get(STACK_ID, ""), notes.get(STEP, ""), region=HERE) if stack else None


def resources(client: KubeApi, stack: str, what: tuple[str, str], kind: str) -> Iterable[FoundResource]:
    """The objects of one API version and kind that carry the stack's label, as found resources of a kind of step."""
    for live in client.list(*what, selector=f"{STACK_LABEL}={stack}"):
        if owner := owner_of(live):
            ref = Ref.of(live)
            yield FoundResource(kind, str(ref), ref.title, owner)


def leaving(live: Manifest) -> Phase | None:
    """The phase of an object on its way out; None for one that stays."""
    return Phase(PhaseState.LEAVING, "being deleted") if live["metadata"].get("deletionTimestamp") else None


def _holding(live: Manifest) -> tuple[str, ...]:
    if not live["metadata"].get("deletionTimestamp"):
        return ()
    conditions = (live.get("status") or {}).get("conditions") or ()
    told = tuple(c["message"] for c in conditions if c.get("status") == "True" and c.get("message"))
    return (*(f"finalizer {name}" for name in live["metadata"].get("finalizers") or ()), *told)
