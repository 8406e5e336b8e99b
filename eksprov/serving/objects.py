"""A model's Deployment as a step: in motion until its rollout is done, failed when `rollout` says so.

A rollout is judged only while the live object is what is wanted: one that differs is about to be replaced, and must
not be kept from it by its own failure. Every other object of a model is a plain `KubeObject`.

How many replicas there are is the autoscaler's to say, but for one number: at 0 it does nothing, for ever
(https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/, "implicit maintenance-mode deactivation").
So 0 is a difference like any other. It is taken back by asking for one replica, as a new Deployment begins with, from
which the autoscaler goes on to its minimum; one is also what the API server puts in when the field is not sent the next
time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from eksprov.core.step import READY, Outputs, Phase, Timing
from eksprov.kube.api import KubeApi, Manifest
from eksprov.kube.objects import KubeObject, ObjectFacts, leaving
from eksprov.serving.diagnosis.observe import observe
from eksprov.serving.diagnosis.rollout import verdict

__all__ = ["KubeObject", "KubeWorkload"]

REPLICAS: Final = "spec.replicas"
SOME: Final = "1 or more"
NONE: Final = "0"


@dataclass(frozen=True, kw_only=True)
class KubeWorkload(KubeObject):
    """A Deployment, done when its rollout is."""

    kind: ClassVar[str] = "kube-workload"
    # The limit is above the longest progress deadline that the config allows; that one comes first.
    timing: ClassVar[Timing] = Timing(create_s=40, delete_s=35, create_limit_s=9000)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = (("apps/v1", "Deployment"),)

    def desired(self, outputs: Outputs) -> ObjectFacts:
        """The fields of the manifest, and some replica."""
        want = super().desired(outputs)
        return replace(want, fields={**want.fields, REPLICAS: SOME}) if self._autoscaled else want

    def update(self, client: KubeApi, want: ObjectFacts, have: ObjectFacts, fields: tuple[str, ...]) -> None:
        """Apply the manifest, and with it one replica where there is none, whoever took the last away."""
        super().update(client, want, have, fields)
        if have.fields.get(REPLICAS) == NONE:
            spec = {**self.manifest["spec"], "replicas": 1}
            client.apply({**self.manifest, "spec": spec}, force=True)

    @property
    def _autoscaled(self) -> bool:
        return bool(self.manifest) and "replicas" not in self.manifest["spec"]

    def _fields(self, live: Manifest) -> dict[str, str]:
        fields = super()._fields(live)
        if self._autoscaled:
            fields[REPLICAS] = SOME if live["spec"].get("replicas", 1) else NONE
        return fields

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        if (phase := leaving(live)) is not None:
            return phase
        if not self.manifest or fields != self.desired(Outputs()).fields:
            return READY
        return verdict(observe(client, live))
