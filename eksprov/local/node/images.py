"""What an image name stands for here: a model server, the AWS CLI, a declared stand-in, or nothing known.

Recognised by repository, whatever registry or mirror prefix stands before it. Facts about the images:
https://github.com/SeldonIO/MLServer/blob/master/Dockerfile (its command is `mlserver start $MLSERVER_MODELS_DIR`) and
https://github.com/aws/aws-cli/blob/v2/docker/Dockerfile (its entrypoint is `aws`).
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import dataclass

from eksprov.local.extra import cure
from eksprov.local.node import standins
from eksprov.local.node.standins import StandIn

KNOWN = "seldonio/mlserver, aws-cli (s3 sync and s3 cp --recursive), and the stand-ins of docs/local-stand-ins.md"


class UnknownImageError(Exception):
    """The image cannot be run here; the text says why and what can be."""


@dataclass(frozen=True)
class ModelServer:
    """MLServer, run as the installed `mlserver`; `note` tells when that is another version than the image's."""

    note: str = ""


@dataclass(frozen=True)
class AwsCli:
    """The AWS CLI image, of which the node agent carries out `s3 sync` and `s3 cp --recursive` itself."""


Recipe = ModelServer | AwsCli | StandIn


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


def recognise(image: str, installed: Callable[[str], str | None] = installed_version) -> Recipe:
    """What to run for `image`.

    Raises UnknownImageError with the sentence that the pod's event carries.
    """
    name = parse(image)
    kind = name.repository.rpartition("/")[2]
    if kind == "mlserver":
        return _model_server(image, name, installed)
    if kind == "aws-cli":
        return AwsCli()
    stand_in = standins.find(name.repository)
    if stand_in is None:
        raise UnknownImageError(f'the local world does not know the image "{image}"; it knows {KNOWN}')
    return stand_in


def _model_server(image: str, name: ImageName, installed: Callable[[str], str | None]) -> ModelServer:
    version = installed("mlserver")
    if version is None:
        raise UnknownImageError(f'"{image}" runs as the Python package mlserver, which is not installed: {cure()}')
    wanted = re.match(r"\d+(\.\d+)*", name.tag)
    if wanted and wanted.group() != version:
        return ModelServer(f"the installed mlserver {version} runs in place of the image's {wanted.group()}")
    if not wanted:
        return ModelServer(f'the installed mlserver {version} runs; the image "{image}" names no version')
    return ModelServer()
