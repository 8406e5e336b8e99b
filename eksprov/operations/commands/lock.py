"""What a stack's lock file should say: kept where it still holds, else what lives, else what AWS and registries say.

So a first lock changes nothing of a stack that stands. `upgrade` asks for everything anew. A registry that does not
answer costs its images their digest, and they are named as unresolved; versions that AWS does not tell are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.core.step import AnyStep
from eksprov.kube.objects import KubeObject
from eksprov.operations.commands.models import stack_facts
from eksprov.operations.pinning import addon_of, group_of
from eksprov.operations.stack import Opened
from eksprov.operations.wanted import wanted
from eksprov.pins.images import images_of
from eksprov.pins.lockfile import NONE, Pins
from eksprov.serving.graph import all_manifests
from eksprov.serving.spec import model_spec
from eksprov.steps.addons.addon import Addon
from eksprov.steps.addons.versions import compatible
from eksprov.steps.node_groups.node_group import NodeGroup
from eksprov.steps.node_groups.releases import newest_releases, parameter


@dataclass(frozen=True)
class Locked:
    """What the lock file is to say."""

    pins: Pins  # with the names of what could not be resolved
    reasons: Mapping[str, str] = field(default_factory=dict)  # why something could not be resolved, by its name


def make_pins(opened: Opened, old: Pins | None, digest: Callable[[str], str], *, upgrade: bool = False) -> Locked:
    """Settle every version and digest that the config leaves open, whatever `opened` is held to.

    Raises: ProvisioningError where EKS has no version of an add-on, AccessError.
    """
    kept = old if old is not None and not upgrade else NONE
    version = opened.settled.kubernetes_version
    steps = wanted(opened.stack.config, opened.settled, opened.state.stack_id)
    addons = [step for step in steps if isinstance(step, Addon) and step.version is None]
    groups = [step for step in steps if isinstance(step, NodeGroup) and not step.release_version]
    together = opened.stack.together
    with translated("read the versions of the add-ons"):
        chosen = together(lambda step: _addon(opened, step, kept, upgrade=upgrade), addons)
    releases, reasons = _releases(opened, groups, kept if kept.kubernetes_version == version else NONE, upgrade=upgrade)
    images = tuple(dict.fromkeys(_images(opened, steps)))
    found = dict(zip(images, together(lambda image: _image(image, kept, digest), images), strict=True))
    reasons |= {image: found[image][1] for image in images if not found[image][0]}
    pins = Pins(
        kubernetes_version=version,
        addons={addon_of(step): its for step, its in zip(addons, chosen, strict=True)},
        node_releases=releases,
        images={image: its for image, (its, _) in found.items() if its},
        unresolved=tuple(sorted(reasons)),
    )
    return Locked(pins, reasons)


def _addon(opened: Opened, step: Addon, kept: Pins, *, upgrade: bool) -> str:
    fits = compatible(opened.aws, addon_of(step), step.kubernetes_version)
    fits.require(step.name)
    before = kept.addons.get(addon_of(step), "")
    if before not in fits.versions and not upgrade:
        have = opened.read(step)
        before = have.version if have is not None else ""
    return before if before in fits.versions else fits.chosen(step.policy)


def _releases(
    opened: Opened, groups: list[NodeGroup], kept: Pins, *, upgrade: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """The releases by group, and what is to be said of groups that have none."""
    version = opened.settled.kubernetes_version
    known = {group_of(step): kept.node_releases.get(group_of(step), "") for step in groups}
    for step in groups if not upgrade else ():
        have = opened.read(step) if not known[group_of(step)] else None
        if have is not None and have.version == version:
            known[group_of(step)] = have.release
    missing = [step for step in groups if not known[group_of(step)]]
    newest = newest_releases(opened.aws, [str(step.ami_type) for step in missing], version)
    known |= {group_of(step): newest.get(str(step.ami_type), "") for step in missing}
    reasons = {step.name: _no_release(str(step.ami_type), version) for step in groups if not known[group_of(step)]}
    return {name: release for name, release in known.items() if release}, reasons


def _no_release(ami_type: str, version: str) -> str:
    name = parameter(ami_type, version)
    return f"there is no parameter {name}" if name else f"AWS publishes no release of the image {ami_type} that we know"


def _images(opened: Opened, steps: Iterable[AnyStep]) -> Iterator[str]:
    """Every image that eksprov brings: of what it installs, and of the servers of the config's models."""
    manifests: list[Mapping[str, Any]] = [step.manifest for step in steps if isinstance(step, KubeObject)]
    facts = stack_facts(opened)
    for model in opened.stack.config.models:
        manifests += all_manifests(model_spec(model, facts, "", 0))
    for manifest in manifests:
        yield from images_of(manifest)


def _image(image: str, kept: Pins, digest: Callable[[str], str]) -> tuple[str, str]:
    """The digest of the image, as `kept` or as its tag means now; or empty, and why nobody can tell."""
    if image in kept.images:
        return kept.images[image], ""
    try:
        return digest(image), ""
    except errors.ProvisioningError as error:
        return "", error.message
