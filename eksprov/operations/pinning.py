"""Holding a stack to its lock file: what the config leaves open is as the file says. Pure but for what it refuses.

What the config names itself stands. An image keeps its tag and gets its digest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from eksprov import errors
from eksprov.core.names import InCluster
from eksprov.core.step import AnyStep
from eksprov.kube.objects import KubeObject
from eksprov.pins.images import with_digests
from eksprov.pins.lockfile import Pins
from eksprov.steps.addons.addon import Addon
from eksprov.steps.node_groups.node_group import NodeGroup


def pinned(steps: Iterable[AnyStep], pins: Pins) -> tuple[AnyStep, ...]:
    """The same steps, with the versions and digests that the lock file says."""
    return tuple(_pinned(step, pins) for step in steps)


def _pinned(step: AnyStep, pins: Pins) -> AnyStep:
    if isinstance(step, Addon) and step.version is None:
        return dataclasses.replace(step, version=pins.addons.get(addon_of(step)))
    if isinstance(step, NodeGroup) and not step.release_version:
        return dataclasses.replace(step, release_version=pins.node_releases.get(group_of(step), ""))
    if isinstance(step, KubeObject) and pins.images:
        return dataclasses.replace(step, manifest=with_digests(step.manifest, pins.images))
    return step


def refuse_stale(pins: Pins, kubernetes_version: str) -> None:
    """Raises: UsageError where the pins were made for another Kubernetes version than the stack is to have."""
    if pins.kubernetes_version not in ("", kubernetes_version):
        raise errors.UsageError(
            f"{pins.where} is of Kubernetes {pins.kubernetes_version}, and the stack is to have {kubernetes_version}",
            "bring it up to date with `eksprov lock`",
        )


def addon_of(step: Addon) -> str:
    """The add-on's name, as EKS and the config know it."""
    return InCluster.parse(step.slug).name


def group_of(step: NodeGroup) -> str:
    """The group's name in the config; a fallback's own name is longer."""
    return step.name.removeprefix("node-group/")
