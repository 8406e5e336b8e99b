"""A model of any flavour of MLServer, packed as the product packs it and asked as it asks, by a real server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eksprov.serving.inspection.package import Package, read_package
from eksprov.serving.requests.asking import Asker, ClosingAnswer
from eksprov.serving.requests.invoke import Target, invoke
from eksprov.serving.runtimes.base import Runtime
from support.clock import VirtualClock
from support.model_server import served_models

NAME = "booster"


def packed(folder: Path, runtime: Runtime) -> dict[str, Any]:
    """What `model-settings.json` says beside the model in a folder."""
    files = {file.path: file for file in read_package(folder, NAME, runtime).files}
    said: dict[str, Any] = json.loads(files["model-settings.json"].content)
    return said


def served(
    folder: Path, runtime: Runtime, rows: Sequence[Sequence[float]], root: Path
) -> tuple[ClosingAnswer, list[Any]]:
    """What a deployment's closing request comes to, and the first output for these rows."""
    _laid_out(read_package(folder, NAME, runtime), root / NAME)
    with served_models(root) as server:
        target, clock = Target("default", NAME, NAME), VirtualClock()
        asked = Asker(server, target, clock, 60, runtime.name).ask(None)
        tensor = {"name": "input-0", "datatype": "FP64", "shape": [len(rows), len(rows[0])]}
        body = {"inputs": [{**tensor, "data": [value for row in rows for value in row]}]}
        return asked, list(invoke(server, target, body, clock, "1").outputs[0]["data"])


def _laid_out(package: Package, target: Path) -> None:
    for file in package.files:
        path = target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content or file.source.read_bytes() if file.source else file.content)
