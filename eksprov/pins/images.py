"""Images in Kubernetes manifests: found, and given their digests. Pure.

An image that is named by tag and digest is pulled by the digest; the tag is for people
(https://kubernetes.io/docs/concepts/containers/images/#image-names). So a digest that a manifest names is no answer to
what its tag means: the registry's answer replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CONTAINERS = ("initContainers", "containers")


def images_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """The images of its pods by name and tag, each once; digests that it names are left out."""
    found = (_tagged(str(one.get("image", ""))) for one in _containers(manifest))
    return tuple(dict.fromkeys(image for image in found if image))


def with_digests(manifest: Mapping[str, Any], digests: Mapping[str, str]) -> Mapping[str, Any]:
    """The same manifest, its images by these digests where they have one, whatever digest the manifest names."""
    if not any(image in digests for image in images_of(manifest)):
        return manifest
    pod = manifest["spec"]["template"]["spec"]
    named = {
        key: [{**one, "image": _pinned(str(one.get("image", "")), digests)} for one in pod[key]]
        for key in CONTAINERS
        if key in pod
    }
    template = {**manifest["spec"]["template"], "spec": {**pod, **named}}
    return {**manifest, "spec": {**manifest["spec"], "template": template}}


def _pinned(image: str, digests: Mapping[str, str]) -> str:
    tagged = _tagged(image)
    return f"{tagged}@{digests[tagged]}" if tagged in digests else image


def _tagged(image: str) -> str:
    return image.partition("@")[0]


def _containers(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The containers of a workload's pod template; other kinds have none."""
    found: Any = manifest
    for key in ("spec", "template", "spec"):
        found = found.get(key) if isinstance(found, Mapping) else None
    for key in CONTAINERS if isinstance(found, Mapping) else ():
        yield from found.get(key) or ()
