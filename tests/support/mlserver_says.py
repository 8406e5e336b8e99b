"""What the real MLServer makes of a folder: its own settings reader, its own scikit-learn runtime, in this process.

As in the pod, the folder is first on `sys.path`, and absolute paths are the pod's (`local.node.model_server.here`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlserver.cli.serve import load_settings  # type: ignore[import-untyped]  # ships no types
from mlserver.types import InferenceRequest  # type: ignore[import-untyped]  # ships no types

from eksprov.local.node.containers.model_server import here
from eksprov.serving.inspection.package import Package
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

ROW = {"inputs": [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [0.0, 1.0]}]}


def unpacked(package: Package, folder: Path) -> Path:
    """The package's files as a pod has them."""
    for file in package.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content if file.source is None else file.source.read_bytes())
    return folder


def answer(folder: Path, name: str, request: dict[str, Any] = ROW) -> Any:
    """The model's answer to a request. Raises: whatever MLServer raises; LookupError where it has no such model."""
    with _as_in_a_pod():
        return asyncio.run(_answer(folder, name, request))


async def _answer(folder: Path, name: str, request: dict[str, Any]) -> Any:
    _, models = await load_settings(str(folder))
    for settings in models:
        if settings.name != name:
            continue
        if settings.parameters.uri:
            settings.parameters.uri = here(settings.parameters.uri, str(folder), MLSERVER_SKLEARN.models_dir)
        model = settings.implementation(settings)
        await model.load()
        answered = await model.predict(InferenceRequest.model_validate(request))
        return [list(output.data) for output in answered.outputs]
    raise LookupError(f"no model {name} among {[each.name for each in models]}")


@contextlib.contextmanager
def _as_in_a_pod() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    kept = {name: value for name, value in os.environ.items() if name.startswith("MLSERVER_")}
    for name in kept:
        del os.environ[name]
    os.environ.update(MLSERVER_SKLEARN.env)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name in MLSERVER_SKLEARN.env:
            del os.environ[name]
        os.environ.update(kept)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if not str(getattr(sys.modules[name], "__file__", "") or "").startswith(sys.prefix):
                del sys.modules[name]
