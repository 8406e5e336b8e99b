"""An object in a few words, for the plan: its address, and of its fields those that people ask for first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eksprov.core.describing import known
from eksprov.core.words import plural
from eksprov.kube.api import Ref


def described(ref: Ref, fields: Mapping[str, str]) -> str:
    """ "Deployment models/digits, docker.io/seldonio/mlserver:1.7.1-sklearn"; `fields` as `owned.flat` has them."""
    return known(ref.title, *_details(fields))


def _details(fields: Mapping[str, str]) -> Iterator[str]:
    if replicas := fields.get("spec.replicas"):
        yield plural(int(replicas), "replica") if str(replicas).isdigit() else f"{replicas} replicas"
    least, most = fields.get("spec.minReplicas"), fields.get("spec.maxReplicas")
    if least and most:
        yield f"{least} to {most} replicas"
    yield from (text for key, text in fields.items() if key.endswith(".image") and ".containers[" in key)
    ports = [text for key, text in fields.items() if key.startswith("spec.ports[") and key.endswith("].port")]
    if ports:
        yield f"port {', '.join(ports)}"
    yield from (f"at most {text} vCPUs" for key, text in fields.items() if key == "spec.limits.cpu")
