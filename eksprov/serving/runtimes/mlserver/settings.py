"""`model-settings.json` of a model's folder: read, judged, and completed where something is missing.

MLServer reads every `model-settings.json` below its folder
(https://github.com/SeldonIO/MLServer/blob/1.7.1/mlserver/repository/repository.py) and loads what `parameters.uri`
names, taken as a URL and relative to the file (mlserver/utils.py). What is missing there MLServer would take from the
mount's name or do without, so that the pod's probes never pass: it is filled in; what contradicts is refused.
"""

from __future__ import annotations

import difflib
import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlparse

from eksprov import errors
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.runtimes.mlserver.flavour import Flavour
from eksprov.serving.runtimes.mlserver.schema import ModelSettings, check, read_json, unknown_keys

SETTINGS: Final = "model-settings.json"
WRITE_A_PATH: Final = "write the file's path, such as ./model.joblib"
ENVIRONMENTS: Final = ("environment_path", "environment_tarball")


@dataclass(frozen=True)
class FolderSettings:
    """What a folder's `model-settings.json` says.

    `path` is where it lies (or will), `content` what it says, `model` the path of the file that its uri names (None
    where that is left open), `foreign` whether a class of the user's own serves it, whose files nobody else knows.
    """

    path: str
    content: Mapping[str, Any]
    model: str | None
    foreign: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The folder that its paths are relative to, below the model's; empty for that itself."""
        return posixpath.dirname(self.path)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What it says under `parameters`."""
        return self.content.get("parameters") or {}

    @property
    def method(self) -> str:
        """The method of the model that answers a request without `outputs`
        (https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/sklearn/mlserver_sklearn/sklearn.py)."""
        return str((self.parameters.get("extra") or {}).get("predict_fn", "predict"))


def read_settings(flavour: Flavour, folder: Folder) -> FolderSettings:
    """The folder's `model-settings.json`, or an empty one. Raises: UsageError for what cannot be served as it is."""
    found = sorted(path for path in folder.paths if posixpath.basename(path) == SETTINGS)
    if len(found) > 1:
        raise folder.wrong(
            f"{folder.root} has {len(found)} {SETTINGS}: {', '.join(found)}; MLServer would load each",
            "leave one: an entry under models serves one model; give each other an entry of its own",
        )
    if not found:
        return FolderSettings(SETTINGS, {}, None)
    file = folder.root / found[0]
    content = read_json(file, folder.name)
    check(content, ModelSettings, file, folder.name)
    warnings = unknown_keys(content, ModelSettings, file, folder.name)
    settings = FolderSettings(found[0], content, None)
    _refuse_contradictions(settings, file, folder)
    foreign, model = _is_foreign(flavour, settings, file, folder), None
    if uri := settings.parameters.get("uri"):
        try:
            model = resolved(flavour, uri, settings.base, file, folder)
        except errors.UsageError as error:
            if not foreign:
                raise
            warnings.append(error.message.removeprefix(f"model {folder.name}: "))  # its own class may know better
    elif not foreign:
        model = _well_known(flavour, settings.base, folder)
    return FolderSettings(found[0], content, model, foreign, tuple(warnings))


def completed(
    flavour: Flavour, settings: FolderSettings, model: str | None, folder: Folder, inputs: Sequence[Any]
) -> bytes | None:
    """The file's bytes with what was missing, or None where nothing was."""
    content, parameters = dict(settings.content), dict(settings.parameters)
    if not content.get("name"):
        content["name"] = folder.name
    if not content.get("implementation"):
        content["implementation"] = flavour.implementations[0]
    if model is not None and not parameters.get("uri"):
        parameters["uri"] = "./" + posixpath.relpath(model, settings.base or ".")
    if parameters:
        content["parameters"] = parameters
    if inputs and not content.get("inputs"):
        content["inputs"] = list(inputs)
    if content == settings.content:
        return None
    return json.dumps(content, indent=2, sort_keys=not settings.content).encode() + b"\n"


def resolved(flavour: Flavour, uri: str, base: str, file: Path, folder: Folder) -> str:
    """The path of the file that MLServer would load. Raises: UsageError where it would find none."""
    where = f"{file}: parameters.uri {uri!r}"
    parsed, mount = urlparse(uri, scheme="file"), folder.runtime.models_dir
    copied = "copy the file into the folder and write its path, such as ./model.joblib"
    if parsed.scheme != "file":
        raise folder.wrong(f"{where} is no file of the folder, and {folder.runtime.name} loads no others", copied)
    relative = posixpath.relpath(posixpath.normpath(posixpath.join(mount, base, parsed.path)), mount)
    if relative == ".." or relative.startswith("../"):
        raise folder.wrong(f"{where} leads out of the model's folder, which is {mount} in the pod", copied)
    if relative in folder.paths:
        return relative
    inside = "" if relative == "." else relative
    if any(path.startswith(f"{inside}/" if inside else "") for path in folder.paths):
        if known := _well_known(flavour, inside, folder):
            return known
        names = ", ".join(flavour.well_known)
        raise folder.wrong(f"{where} names a folder, where MLServer looks for {names}: none is there", WRITE_A_PATH)
    near = difflib.get_close_matches(relative, folder.paths, 1)
    hint = f"did you mean ./{posixpath.relpath(near[0], base or '.')}?" if near else WRITE_A_PATH
    raise folder.wrong(f"{where} names no file in the folder", hint)


def _well_known(flavour: Flavour, below: str, folder: Folder) -> str | None:
    """The file that MLServer would take from a folder by its name."""
    names = (posixpath.join(below, name) for name in flavour.well_known)
    return next((name for name in names if name in folder.paths), None)


def _refuse_contradictions(settings: FolderSettings, file: Path, folder: Folder) -> None:
    name = settings.content.get("name")
    if name and name != folder.name:
        raise folder.wrong(
            f"{file} gives it another name: {name}",
            f'write "name": "{folder.name}" there, or call the model so in the config',
        )
    for key in ENVIRONMENTS:
        if settings.parameters.get(key):
            raise folder.wrong(
                f"{file}: parameters.{key} names an environment of its own, which the server does not use here",
                f"take it out, and train with the libraries of {folder.runtime.name}: {folder.runtime.carries}",
            )
    method = (settings.parameters.get("extra") or {}).get("predict_fn", "predict")
    if not isinstance(method, str):
        raise folder.wrong(
            f"{file}: parameters.extra.predict_fn must be a text, the name of a method", 'write "predict", say'
        )


def _is_foreign(flavour: Flavour, settings: FolderSettings, file: Path, folder: Folder) -> bool:
    """Whether a class of the folder's own serves the model. Raises: UsageError for one that is nowhere."""
    wanted = settings.content.get("implementation") or flavour.implementations[0]
    if wanted in flavour.implementations:
        return False
    module, _, attribute = wanted.rpartition(".")
    source = folder.module(module, settings.base) or folder.module(module) if module else None
    where = f"{file}: implementation {wanted!r}"
    if source is None:
        what = "is MLServer's for another kind of model" if wanted.startswith("mlserver_") else "is nowhere"
        own = f"; a class of your own needs its module in the folder ({module.replace('.', '/') or wanted}.py)"
        raise folder.wrong(
            f"{where} {what}: {folder.runtime.name} has {flavour.implementations[0]}",
            f"write {flavour.implementations[0]}, or leave the key out{own}",
        )
    if not folder.defines(source, attribute):
        raise folder.wrong(f"{where}: {source} has no {attribute}", "write the class's own name")
    for where_from, lacking in folder.lacking(source):
        raise folder.wrong(
            f"{folder.root / where_from} imports {lacking}: neither the server's image nor the model's folder has it",
            "do without it, or put it into the folder too",
        )
    return True
