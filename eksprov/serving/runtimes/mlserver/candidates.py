"""Which file of a folder is the model, where no `model-settings.json` names it: by its name, else by what is in it."""

from __future__ import annotations

from typing import Final

from eksprov import errors
from eksprov.core.names import last_part
from eksprov.serving.inspection.contents import identified
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.formats import LIGHTGBM, OTHER_SERVER, SKOPS, XGBOOST, Format
from eksprov.serving.runtimes.mlserver.flavour import Flavour
from eksprov.serving.runtimes.mlserver.server_settings import SERVER_SETTINGS
from eksprov.serving.runtimes.mlserver.settings import SETTINGS, resolved

OTHERS: Final = (".py", ".json", ".txt", ".md", ".csv", ".yaml", ".yml", ".toml", ".cfg", ".so", ".pyc")
SERVERS_OWN: Final = (SETTINGS, SERVER_SETTINGS)
LOOKED_AT: Final = 50  # files without a known ending that are opened


def the_model(flavour: Flavour, folder: Folder) -> str:
    """The path of the model's file. Raises: UsageError where none or several could be it."""
    endings = tuple(suffix + packing for suffix in flavour.suffixes for packing in flavour.packings)
    found = sorted(path for path in folder.paths if path.endswith(endings) and last_part(path) not in SERVERS_OWN)
    found = [path for path in found if _is_told(flavour, path, folder)]
    unnamed = sorted(path for path in folder.paths if not path.endswith((*endings, *OTHERS)))[:LOOKED_AT]
    found = found or [path for path in unnamed if flavour.recognises(folder.root / path)]
    if len(found) > 1:
        raise folder.wrong(
            f"{len(found)} files in {folder.root} could be the model: {', '.join(found)}",
            f"leave one, or write a {SETTINGS} with parameters.uri naming it",
        )
    if not found:
        raise _none(flavour, folder, endings)
    if not _can_be_named(flavour, found[0], folder):
        raise folder.wrong(
            f"{folder.root / found[0]}: MLServer reads the model's name as a URL, and this is none",
            "rename the file: letters, digits, dots, hyphens and underscores",
        )
    return found[0]


def _can_be_named(flavour: Flavour, path: str, folder: Folder) -> bool:
    try:
        return resolved(flavour, f"./{path}", "", folder.root / SETTINGS, folder) == path
    except errors.UsageError:
        return False


def _is_told(flavour: Flavour, path: str, folder: Folder) -> bool:
    """Whether a file with one of the suffixes may be the model: by its name, or by what is in it."""
    return flavour.tells is None or path in flavour.well_known or flavour.tells(folder.root / path)


def _none(flavour: Flavour, folder: Folder, endings: tuple[str, ...]) -> errors.UsageError:
    """Why no file is the model, by what is there instead."""
    for path in sorted(folder.paths):
        below = next((part for part in path.split("/")[:-1] if part.endswith(endings)), None)
        if below is not None:
            return folder.wrong(f"{folder.root}: {below} is a folder, and the model has to be a file", flavour.save)
        if path.endswith(".dvc"):
            return folder.wrong(
                f"{folder.root / path} is DVC's note of a file, and the file itself is not here",
                f"`dvc pull {folder.root / path}` fetches it",
            )
        found = identified(folder.root / path) if not path.endswith(OTHERS[:1]) else None
        if found is not None and _is_anothers(found):
            cure = found.cure if flavour.tells is None else flavour.save
            return folder.wrong(f"{folder.root / path} is {found.name}", cure)
    kinds = ", ".join(f"*{suffix}" for suffix in flavour.suffixes)
    return folder.wrong(
        f"no file in {folder.root} looks like a model for {folder.runtime.name} ({kinds})",
        f"{flavour.save}, or write a {SETTINGS} that names the file",
    )


def _is_anothers(found: Format) -> bool:
    return found.cure == OTHER_SERVER or found.name.removesuffix(", packed") in {
        one.name for one in (XGBOOST, LIGHTGBM, SKOPS)
    }
