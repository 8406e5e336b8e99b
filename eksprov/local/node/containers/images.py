"""What an image name stands for here, recognised by repository, whatever registry or mirror prefix stands before it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import dataclass

from eksprov.local.extra import cure
from eksprov.local.node.containers import standins
from eksprov.local.node.containers.standins import Server, StandIn

KNOWN = "seldonio/mlserver, aws-cli (s3 sync and s3 cp --recursive), and the stand-ins of docs/local-stand-ins.md"


class UnknownImageError(Exception):
    """The image cannot be run here; the text says why and what can be."""


@dataclass(frozen=True)
class Recognised:
    """What stands in for an image; `note` tells when that is another version than the image's."""

    stand_in: StandIn
    note: str = ""


@dataclass(frozen=True)
class ImageName:
    """An image reference taken apart; `tag` and `digest` may be empty."""

    registry: str
    repository: str
    tag: str
    digest: str


def parse(image: str) -> ImageName:
    """Take an image reference apart; the first path component is a registry if it looks like a host."""
    name, _, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = head + slash + last
    first, slash, rest = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return ImageName(first, rest, tag, digest)
    return ImageName("", repository, tag, digest)


def installed_version(package: str) -> str | None:
    """The installed version of a Python package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def recognise(image: str, installed: Callable[[str], str | None] = installed_version) -> Recognised:
    """What to run for `image`.

    Raises UnknownImageError with the sentence that the pod's event carries.
    """
    name = parse(image)
    stand_in = standins.find(name.repository)
    if stand_in is None:
        raise UnknownImageError(f'the local world does not know the image "{image}"; it knows {KNOWN}')
    if isinstance(stand_in.runs, Server):
        return Recognised(stand_in, _other_version(image, name.tag, stand_in.runs.package, installed))
    return Recognised(stand_in)


def _other_version(image: str, tag: str, package: str, installed: Callable[[str], str | None]) -> str:
    """What to say of the version that runs in the image's place; raises UnknownImageError where none is installed."""
    version = installed(package)
    if version is None:
        raise UnknownImageError(f'"{image}" runs as the Python package {package}, which is not installed: {cure()}')
    wanted = re.match(r"\d+(\.\d+)*", tag)
    if wanted is None:
        return f'the installed {package} {version} runs; the image "{image}" names no version'
    if wanted.group() != version:
        return f"the installed {package} {version} runs in place of the image's {wanted.group()}"
    return ""
