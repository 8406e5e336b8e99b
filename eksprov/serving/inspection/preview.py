"""What `deploy-model` would say of a model's folder, for commands that only look: as warnings, since nothing waits.

A folder that is not there yet is no problem: models are trained after the stack is made, too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eksprov import errors
from eksprov.config.schema import Model
from eksprov.errors import Problem
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.presets import runtime
from eksprov.serving.sizing import memory
from eksprov.serving.spec import StackFacts, model_spec

NO_STACK = StackFacts("", "", "", bucket="", subnet_cidrs=())


def preview(model: Model, project: Path) -> tuple[Problem, ...]:
    """Why the model could not be served as it lies there, or what may go wrong with it."""
    folder, where = project / model.path, f"models[{model.name}]"
    if not folder.exists():
        return ()
    try:
        package = read_package(folder, model.name, runtime(model.runtime))
    except errors.UsageError as error:
        message = error.message.removeprefix(f"model {model.name}: ")
        return (Problem(message, where, hint=error.hint, level="warning"),)
    told = [Problem(text, where, level="warning") for text in package.warnings]
    tight = memory(model_spec(model, NO_STACK, package.digest, package.size_bytes), package.loaded_bytes)
    return (*told, *([replace(tight, level="warning")] if tight else ()))
