"""A model's manifests as plain YAML files, in the order in which they are applied: for review, or for another tool."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eksprov import errors
from eksprov.kube.api import Manifest
from eksprov.kube.order import for_apply


def file_names(manifests: Iterable[Manifest]) -> list[tuple[str, Manifest]]:
    """Each manifest with its file's name, `03-service-digits.yaml`, in the order of application. Pure."""
    ordered = for_apply(manifests)
    width = max(2, len(str(len(ordered))))
    return [
        (f"{number:0{width}d}-{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml", manifest)
        for number, manifest in enumerate(ordered)
    ]


def export(manifests: Iterable[Manifest], folder: Path) -> list[Path]:
    """Write the files into `folder`, which is made when missing. Raises: UsageError when they cannot be written."""
    import yaml

    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, manifest in file_names(manifests):
            path = folder / name
            path.write_text(yaml.safe_dump(_tree(manifest), sort_keys=False), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise errors.unwritable(error.filename or folder, error, "name another DIR") from error
    return written


def _tree(manifest: Manifest) -> Any:
    """The manifest without parts that occur twice, which YAML would write as anchors and aliases."""
    return json.loads(json.dumps(manifest))
