"""Rules of models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.rules.pools import TAINT_HINT, places
from eksprov.config.schema import Config


def models(config: Config, folder: FilePath | None) -> Iterator[Finding]:
    yield from twice(("models",), "name", [model.name for model in config.models])
    if config.models and not places(config):
        message = "models tolerate no taints, and every node group and pool has one: no replica would find a node"
        yield finding(message, ("models",), ("node_groups",), hint=f"add one without; {TAINT_HINT}", level="warning")
    for index, model in enumerate(config.models):
        at: Path = ("models", index)
        if model.replicas.min > model.replicas.max:
            message = f"{model.replicas.min} is more than max {model.replicas.max}"
            yield finding(message, (*at, "replicas", "min"), (*at, "replicas", "max"))
        if model.namespace.startswith("kube-") or model.namespace == "default":
            hint = "models get a namespace of their own, like models"
            yield finding(f"the namespace {model.namespace} is not for models", (*at, "namespace"), hint=hint)
        if folder is not None:
            yield from _model_folder(model.path, folder, (*at, "path"))


def _model_folder(text: str, folder: FilePath, at: Path) -> Iterator[Finding]:
    """A model lies beside or below the config file, links followed; one not there yet may still be trained."""
    try:
        root = folder.resolve()
        found = (root / text).resolve()
        inside, there, is_folder = found.is_relative_to(root) and found != root, found.exists(), found.is_dir()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a zero byte, a name too long
        yield finding(f"{text!r} is not a path that can be used", at)
        return
    if not inside:
        yield finding("is outside the folder of the config file", at, hint="put the model's files below it")
    elif not there:
        yield finding(f"there is no folder {text} yet", at, hint="deploy-model needs it", level="warning")
    elif not is_folder:
        yield finding(f"{text} is a file, not a folder", at, hint="name the folder that holds it")
