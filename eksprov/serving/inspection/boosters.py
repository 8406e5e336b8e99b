"""Files of XGBoost and LightGBM, in their own formats: what they are, and how many features they take.

XGBoost writes JSON or UBJSON, whose `learner_model_param` has `num_feature` as a text
(https://xgboost.readthedocs.io/en/release_2.1.0/tutorials/saving_model.html); LightGBM writes text, whose head has
`max_feature_idx` and whose end says "end of trees" before the parameters
(https://github.com/microsoft/LightGBM/blob/v4.6.0/src/boosting/gbdt_model_text.cpp).
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any, Final

from eksprov.serving.inspection.columns import INPUT, NUMBERS
from eksprov.serving.inspection.contents import Contents, identified
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.formats import LIGHTGBM, XGBOOST, Format

# A text in UBJSON: S, the type of its length, the length (https://ubjson.org/type-reference/value-types/).
_XGBOOST: Final = re.compile(rb'num_feature(?:"\s*:\s*"|S(?:[Ui].|I.{2}|l.{4}|L.{8}))(\d+)', re.DOTALL)
_LIGHTGBM: Final = re.compile(rb"^max_feature_idx=(\d+)\r?$", re.MULTILINE)
_LIGHTGBM_TEXT: Final = (b"tree\nversion=", b"tree\r\nversion=")


def is_xgboost(file: Path) -> bool:
    """Whether a file is XGBoost's, in one of its formats."""
    return identified(file) is XGBOOST


def is_lightgbm(file: Path) -> bool:
    """Whether a file is LightGBM's, in the one format that its Booster reads."""
    with file.open("rb") as opened:
        return opened.read(16).startswith(_LIGHTGBM_TEXT)


def read_xgboost(path: str, folder: Folder, method: str) -> Contents:
    """Look into an XGBoost model. Raises: UsageError for another format, or a file that is cut off."""
    file = folder.root / path
    _refuse_others(file, folder, XGBOOST, "model.save_model('model.json')")
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:1] == b"{" and not data[-16:].rstrip().endswith(b"}"):
            raise folder.wrong(f"{file} is cut off", "save or copy the model again")
        count = _XGBOOST.search(data)
        return Contents(len(data), _inputs(count, 0))


def read_lightgbm(path: str, folder: Folder, method: str) -> Contents:
    """Look into a LightGBM model. Raises: UsageError for another format, or a file that is cut off."""
    file, save = folder.root / path, "model.save_model('model.bst') of the Booster"
    _refuse_others(file, folder, LIGHTGBM, save)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not data[:16].startswith(_LIGHTGBM_TEXT):
            raise folder.wrong(f"{file} is LightGBM's JSON, which it writes and cannot read", f"save it with {save}")
        if data.find(b"\nend of trees") < 0:
            raise folder.wrong(f"{file} is cut off", "save or copy the model again")
        return Contents(len(data), _inputs(_LIGHTGBM.search(data), 1))


def _refuse_others(file: Path, folder: Folder, wanted: Format, save: str) -> None:
    found = identified(file)
    if found is None or found.name != wanted.name:
        what = found.name if found is not None else "a pickle, or unknown"
        raise folder.wrong(f"{file} is {what}, and {folder.runtime.name} loads {wanted.name}", f"save it with {save}")


def _inputs(found: re.Match[bytes] | None, more: int) -> tuple[Any, ...]:
    """One tensor of numbers, where the file says how many columns it has."""
    count = int(found[1]) + more if found is not None else 0
    return ({"name": INPUT, "datatype": NUMBERS, "shape": [-1, count]},) if count else ()
