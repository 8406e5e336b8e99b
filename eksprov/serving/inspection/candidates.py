"""Which file of a folder is the model, where no `model-settings.json` names it: by its name, else by what is in it."""

from __future__ import annotations

from typing import Final

from eksprov import errors
from eksprov.serving.inspection.contents import identified, is_model
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.formats import LIGHTGBM, OTHER_SERVER, SKOPS, XGBOOST, Format
from eksprov.serving.runtimes.mlserver_settings import SETTINGS, resolved

# What joblib packs with, by the endings that people give (https://joblib.readthedocs.io/en/stable/persistence.html).
PACKED: Final = ("", ".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4")
OTHERS: Final = (".py", ".json", ".txt", ".md", ".csv", ".yaml", ".yml", ".toml", ".cfg", ".so", ".pyc")
LOOKED_AT: Final = 50  # files without a known ending that are opened


def the_model(folder: Folder) -> str:
    """The path of the model's file. Raises: UsageError where none or several could be it."""
    endings = tuple(suffix + packed for suffix in folder.runtime.suffixes for packed in PACKED)
    found = sorted(path for path in folder.paths if path.endswith(endings))
    unnamed = sorted(path for path in folder.paths if not path.endswith((*endings, *OTHERS)))[:LOOKED_AT]
    found = found or [path for path in unnamed if is_model(folder.root / path)]
    if len(found) > 1:
        raise folder.wrong(
            f"{len(found)} files in {folder.root} could be the model: {', '.join(found)}",
            f"leave one, or write a {SETTINGS} with parameters.uri naming it",
        )
    if not found:
        raise _none(folder, endings)
    if not _can_be_named(found[0], folder):
        raise folder.wrong(
            f"{folder.root / found[0]}: MLServer reads the model's name as a URL, and this is none",
            "rename the file: letters, digits, dots, hyphens and underscores",
        )
    return found[0]


def _can_be_named(path: str, folder: Folder) -> bool:
    try:
        return resolved(f"./{path}", "", folder.root / SETTINGS, folder) == path
    except errors.UsageError:
        return False


def _none(folder: Folder, endings: tuple[str, ...]) -> errors.UsageError:
    """Why no file is the model, by what is there instead."""
    for path in sorted(folder.paths):
        below = next((part for part in path.split("/")[:-1] if part.endswith(endings)), None)
        if below is not None:
            return folder.wrong(f"{folder.root}: {below} is a folder, and the model has to be a file", SAVE)
        if path.endswith(".dvc"):
            return folder.wrong(
                f"{folder.root / path} is DVC's note of a file, and the file itself is not here",
                f"`dvc pull {folder.root / path}` fetches it",
            )
        found = identified(folder.root / path) if not path.endswith(OTHERS[:1]) else None
        if found is not None and _is_anothers(found):
            return folder.wrong(f"{folder.root / path} is {found.name}", found.cure)
    kinds = ", ".join(f"*{suffix}" for suffix in folder.runtime.suffixes)
    return folder.wrong(
        f"no file in {folder.root} looks like a model for {folder.runtime.name} ({kinds})",
        f"{SAVE}, or write a {SETTINGS} that names the file",
    )


SAVE: Final = "save the model with joblib.dump"


def _is_anothers(found: Format) -> bool:
    return found.cure == OTHER_SERVER or found.name.removesuffix(", packed") in {
        one.name for one in (XGBOOST, LIGHTGBM, SKOPS)
    }
