"""A model's Deployment as a step: in motion until its rollout is done, failed when `rollout` says so.

A rollout is judged only while the live object is what is wanted: one that differs is about to be replaced, and must
not be kept from it by its own failure. Every other object of a model is a plain `KubeObject`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from eksprov.core.step import READY, Phase, Timing
from eksprov.kube.api import KubeApi, Manifest
from eksprov.kube.objects import KubeObject, leaving
from eksprov.kube.owned import flat
from eksprov.serving.observe import observe
from eksprov.serving.rollout import verdict

__all__ = ["KubeObject", "KubeWorkload"]


@dataclass(frozen=True, kw_only=True)
class KubeWorkload(KubeObject):
    """A Deployment, done when its rollout is."""

    kind: ClassVar[str] = "kube-workload"
    # The limit is above the longest progress deadline that the config allows; that one comes first.
    timing: ClassVar[Timing] = Timing(create_s=40, delete_s=35, create_limit_s=9000)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = (("apps/v1", "Deployment"),)

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        if (phase := leaving(live)) is not None:
            return phase
        if not self.manifest or fields != flat(self.manifest):
            return READY
        return verdict(observe(client, live))
