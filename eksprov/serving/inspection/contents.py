"""A model's file, looked into without running it: what it is, what it needs of the server, how large it will be there.

What the file alone tells is said before anything is made: a stand-in of Git LFS, another format, a file cut off, a
class that only the training script has, a library that the server lacks, an object that cannot predict.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eksprov.core.words import article
from eksprov.serving.inspection.columns import class_of, inputs_of, is_sklearn, last_of, state_of
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.formats import ANNEX, HEAD_BYTES, LFS, TEXT, Format, identify, is_text, zipped
from eksprov.serving.inspection.needs import refuse_what_is_lacking
from eksprov.serving.inspection.opcodes import Array, Made, Named, Pickled, Stream, take_apart
from eksprov.serving.inspection.pickles import LIMIT_BYTES, PACKED_ERRORS, opened, version_warning

_PLAIN: Final[dict[type, str]] = {
    **{dict: "a dict", list: "a list", tuple: "a tuple", str: "a text", type(None): "None", Array: "an array"},
    **{bool: "true or false", int: "a number", float: "a number", bytes: "bytes"},
}
DATA: Final = frozenset({"numpy", "pandas", "scipy", "collections", "builtins", "datetime", "decimal"})
# Packages of scikit-learn without a class that predicts.
NO_PREDICT: Final = frozenset(
    {"preprocessing", "impute", "decomposition", "feature_extraction", "random_projection", "kernel_approximation"}
)


@dataclass(frozen=True)
class Contents:
    """What a model's file says. `loaded_bytes`: of it unpacked, at least; `inputs` in the Open Inference Protocol."""

    loaded_bytes: int = 0
    inputs: tuple[Any, ...] = ()
    warnings: tuple[str, ...] = ()


def refuse_pointers(folder: Folder) -> None:
    """Raises: UsageError for any file that stands for one which Git LFS or git-annex keeps elsewhere."""
    for path in sorted(folder.paths):
        found = identify(_head(folder.root / path))
        if found in (LFS, ANNEX):
            raise folder.wrong(f"{folder.root / path} is {found.name}", found.cure)


def read_pickle(path: str, folder: Folder, method: str) -> Contents:
    """Look into a scikit-learn model's file. Raises: UsageError for one that the server could not load, or not answer
    from; `method` is what a request calls."""
    file = folder.root / path
    size = file.stat().st_size
    found, pickled = _opened_up(file)
    if found is not None:
        raise folder.wrong(f"{file} is {found.name}", found.cure)
    assert pickled is not None
    if pickled.end in ("damaged", "cut off"):
        raise folder.wrong(*_broken(file, pickled, size))
    refuse_what_is_lacking(pickled.names, str(file), folder)
    if pickled.external:
        raise folder.wrong(
            f"{file} was pickled with parts outside of it, which the server does not get",
            "save the model with joblib.dump(model, 'model.joblib')",
        )
    if pickled.end == "whole":
        _refuse_what_cannot_answer(pickled.top, file, folder, method)
    warning = version_warning(file, folder.runtime.libraries["scikit-learn"])
    warnings = (*([warning] if warning else ()), *_unfitted(pickled.top, file))
    return Contents(max(size, pickled.position), tuple(inputs_of(pickled.top)), warnings)


def identified(file: Path) -> Format | None:
    """The format of a file that is no pickle, or None for a pickle and the unknown."""
    found, _ = _opened_up(file)
    return found


def is_model(file: Path) -> bool:
    """Whether a file is a pickle with an object at its top, whatever it is called."""
    found, pickled = _opened_up(file)
    return found is None and pickled is not None and pickled.end != "damaged" and isinstance(pickled.top, Made)


def _head(file: Path) -> bytes:
    with file.open("rb") as opened_file:
        return opened_file.read(HEAD_BYTES)


def _opened_up(file: Path) -> tuple[Format | None, Pickled | None]:
    """What the file is, or its pickle taken apart."""
    head = _head(file)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zipped(file), None
    if found := identify(head):
        return found, None
    with file.open("rb") as raw:
        stream, packed = opened(raw)
        try:
            inner = stream.peek(HEAD_BYTES)[:HEAD_BYTES] if packed else head
            if packed and (found := identify(inner)):
                return Format(f"{found.name}, packed" if inner else found.name, found.cure), None
            pickled = take_apart(
                Stream(stream, limit=LIMIT_BYTES) if packed else Stream(stream, size=file.stat().st_size)
            )
        except PACKED_ERRORS:
            return Format("cut off or damaged: it cannot be unpacked", "save or copy the model again"), None
    if pickled.end in ("damaged", "cut off") and pickled.position <= len(inner) and is_text(inner):
        return TEXT, None
    return None, pickled


def _broken(file: Path, pickled: Pickled, size: int) -> tuple[str, str]:
    if pickled.end == "cut off":
        return f"{file} is cut off: its pickle goes on after its {size:,} bytes", "save or copy the model again"
    if pickled.position <= HEAD_BYTES and not pickled.names:
        begins = _head(file)[:8].hex(" ")
        return (
            f"{file} is neither a pickle nor a joblib file (it begins with {begins})",
            "save the model with joblib.dump(model, 'model.joblib')",
        )
    return f"{file} is damaged at byte {pickled.position:,}", "save or copy the model again"


def _refuse_what_cannot_answer(top: Any, file: Path, folder: Folder, method: str) -> None:
    """Raises: UsageError for an object that has no `predict`, by its kind."""
    hint = f"save the model itself: joblib.dump(model, '{file.name}')"
    if isinstance(top, Named):
        raise folder.wrong(f"{file} holds {top} itself, no fitted model of it", hint)
    named = class_of(top)
    kind = _PLAIN.get(type(top), "")
    if named is not None and named.module.partition(".")[0] in DATA:
        kind = f"data ({named})"
    if kind:
        inside = _within(top)
        shown = f" ({', '.join(map(repr, list(top)[:5]))})" if isinstance(top, dict) and top else ""
        if inside:
            beside = "what else is in it belongs into a Pipeline with the model, or into a file of its own"
            hint = f"save the model alone: joblib.dump(it{inside}, '{file.name}'); {beside}"
        raise folder.wrong(
            f"{file} holds {kind}{shown}, not a model: it has no `{method}`, every call would fail", hint
        )
    last = class_of(last_of(top))
    if method == "predict" and is_sklearn(last) and last is not None and last.module.split(".")[1] in NO_PREDICT:
        raise folder.wrong(
            f"{file} holds {article(last.name)}, which transforms and has no `predict`: every call would fail",
            'write a model-settings.json with {"parameters": {"extra": {"predict_fn": "transform"}}} beside it',
        )


def _within(top: Any) -> str:
    """How to reach the first estimator inside a container, as Python writes it; empty where there is none."""
    pairs = top.items() if isinstance(top, dict) else enumerate(top) if isinstance(top, list | tuple) else ()
    for key, value in pairs:
        named = class_of(value)
        if named is not None and named.module.partition(".")[0] not in DATA:
            return f"[{key!r}]"
    return ""


def _unfitted(top: Any, file: Path) -> list[str]:
    """Estimators that learn keep what they learned under names with an underscore at the end."""
    named, state = class_of(top), state_of(top)
    if not is_sklearn(named) or named is None or "_sklearn_version" not in state:
        return []
    if named.name in ("Pipeline", "FunctionTransformer", "FeatureUnion"):
        return []
    learned = any(key.endswith("_") and not key.startswith("__") for key in state)
    return [] if learned else [f"{file.name}: the {named.name} in it looks as if it was never fitted"]
