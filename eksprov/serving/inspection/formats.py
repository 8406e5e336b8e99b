"""What a file is, by its first bytes: formats of models, and what is saved in a model's place by mistake.

A pickle is none of these: it has no mark that nothing else has, and `opcodes` reads it. Signatures are those of the
formats' own documents, or of the `file` command (https://github.com/file/file/tree/master/magic/Magdir). Pure, but for
a zip's listing.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eksprov.core.names import last_part

HEAD_BYTES: Final = 4096  # more than any of these looks at
RESAVE: Final = "save the model itself with joblib.dump, and put that file here"
TO_COME: Final = "this runtime serves scikit-learn alone so far"
OTHER_SERVER: Final = "a scikit-learn server cannot load it; save a scikit-learn model with joblib.dump"


@dataclass(frozen=True)
class Format:
    """What a file is, in words that follow "is", and what to do instead."""

    name: str
    cure: str


LFS: Final = Format(
    "a Git LFS pointer, not the file that it stands for",
    "`git lfs pull` fetches it; in CI, check out with LFS on",
)
ANNEX: Final = Format("a git-annex pointer, not the file that it stands for", "`git annex get` fetches the file")
EMPTY: Final = Format("empty", "save or copy the model again; a full disk leaves such files")
HTML: Final = Format(
    "an HTML page, as servers send it in place of a download", "download the file again, signed in, and look at it"
)
TORCH: Final = Format("PyTorch's", OTHER_SERVER)
XGBOOST: Final = Format("XGBoost's own format", "set `runtime: mlserver-xgboost` for this model")
LIGHTGBM: Final = Format("LightGBM's own format", "set `runtime: mlserver-lightgbm` for this model")
SKOPS: Final = Format(
    "skops' format", f"{TO_COME}, from joblib files: joblib.dump(skops.io.load(file), 'model.joblib')"
)
KERAS: Final = Format("Keras'", OTHER_SERVER)
GZIP: Final = "pack it with gzip: joblib.dump(model, 'model.joblib.gz', compress=('gzip', 3))"
TEXT: Final = Format("a text file", RESAVE)

# Signature at the beginning.
_STARTS: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"version https://git-lfs.github.com/spec/", LFS),
    (b"version https://hawser.github.com/spec/", LFS),
    (b"/annex/objects/", ANNEX),
    (b"\x89HDF\r\n\x1a\n", Format("HDF5, as Keras writes it (.h5)", OTHER_SERVER)),
    # A number that PyTorch before 1.6 pickles first.
    (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", TORCH),
    (b"GGUF", Format("GGUF, a language model's weights", OTHER_SERVER)),
    (b"CBM1", Format("CatBoost's own format", OTHER_SERVER)),
    (b"binf", XGBOOST),
    (b"bs64", XGBOOST),
    (b"tree\nversion=", LIGHTGBM),
    (b"tree\r\nversion=", LIGHTGBM),
    (b"\x93NUMPY", Format("an array of numpy's (.npy), not a model", RESAVE)),
    (b"PAR1", Format("Parquet data, not a model", RESAVE)),
    (b"ARROW1", Format("Arrow data, not a model", RESAVE)),
    (b"FEA1", Format("Feather data, not a model", RESAVE)),
    (b"ORC", Format("ORC data, not a model", RESAVE)),
    (b"Obj\x01", Format("Avro data, not a model", RESAVE)),
    (b"SQLite format 3\x00", Format("an SQLite database, not a model", RESAVE)),
    (b"\xac\xed\x00\x05", Format("Java's serialization (Spark, H2O)", OTHER_SERVER)),
    (b"RDX2\n", Format("R's (.RData)", OTHER_SERVER)),
    (b"RDX3\n", Format("R's (.RData)", OTHER_SERVER)),
    (b"X\n\x00\x00\x00\x02", Format("R's (.rds)", OTHER_SERVER)),
    (b"X\n\x00\x00\x00\x03", Format("R's (.rds)", OTHER_SERVER)),
    (b"MATLAB 5.0", Format("MATLAB's", OTHER_SERVER)),
    (b"%PDF-", Format("a PDF", RESAVE)),
    (b"\x89PNG", Format("a picture", RESAVE)),
    (b"\xff\xd8\xff", Format("a picture", RESAVE)),
    (b"\x7fELF", Format("a program", RESAVE)),
    (b"\x28\xb5\x2f\xfd", Format("packed with zstd, which joblib cannot open", GZIP)),
    (b"\x04\x22\x4d\x18", Format("packed with lz4, which the server's image lacks", GZIP)),
    (b"7z\xbc\xaf\x27\x1c", Format("a 7z archive", "put the file that is in it here")),
    (b"Rar!", Format("a RAR archive", "put the file that is in it here")),
)  # fmt: skip


def identify(head: bytes) -> Format | None:
    """The format of a file that begins so (up to HEAD_BYTES of it, unpacked); None for pickles and the unknown."""
    if not head:
        return EMPTY
    marked = (found for mark, found in _STARTS if head.startswith(mark))
    return next(marked, None) or _binary(head) or _document(head)


def _binary(head: bytes) -> Format | None:
    if head[4:8] == b"TFL3":
        return Format("TensorFlow Lite's", OTHER_SERVER)
    if head[257:262] == b"ustar":
        return Format("a tar archive", "unpack it, and put the file that is in it here")
    # A length of 8 bytes, then a JSON header (https://huggingface.co/docs/safetensors).
    if head[8:10] == b'{"' and 2 <= int.from_bytes(head[:8], "little") < 100_000_000:
        return Format("safetensors, weights without a model", OTHER_SERVER)
    # XGBoost's UBJSON: an object whose first key is "learner"
    # (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html).
    if head[:1] == b"{" and head[1:2] in (b"L", b"l", b"I", b"i", b"U") and b"learner" in head[:32]:
        return XGBOOST
    # ONNX: protobuf, field 1 (ir_version) as a varint, then a later field
    # (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
    if len(head) > 2 and head[0] == 0x08 and 1 <= head[1] <= 32:
        later = head[2] >> 3 in range(2, 26) and head[2] & 7 in (0, 2)
        schema = head[1] == 1 and head[2] == 0x12  # TensorFlow's: schema version 1, then a graph
        if later:
            return Format("TensorFlow's SavedModel" if schema else "ONNX", OTHER_SERVER)
    return None


def _document(head: bytes) -> Format | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    low = start[:64].lower()
    if low.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return HTML
    if b"<pmml" in head[:512].lower():
        return Format("PMML", OTHER_SERVER)
    if low.startswith((b"<?xml", b"<error")):
        return Format("an XML document, as S3 sends it when it refuses a download", "download the file again")
    if start[:1] in (b"{", b"["):
        return _json(start.decode("utf-8", "replace"))
    return None


def _json(text: str) -> Format | None:
    if re.match(r'\{\s*"(learner|version)"\s*:\s*[\[{]', text):
        return XGBOOST
    if re.match(r'\{\s*"name"\s*:\s*"tree"', text) or '"tree_info"' in text:
        return LIGHTGBM
    if '"nbformat"' in text or re.match(r'\{\s*"cells"\s*:', text):
        return Format("a Jupyter notebook", f"run it: in it, {RESAVE}")
    if re.match(r'\{\s*("[^"\n]*"|\})', text) or re.match(r"\[\s*[\[{\"\d\]-]", text):
        try:
            error = {"error", "message", "detail", "errors", "errorMessage"} & set(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            error = set()
        return Format("a JSON document that tells of an error" if error else "a JSON document", RESAVE)
    return None


def is_text(head: bytes) -> bool:
    """Whether people could read it. Pickles of protocol 0 are text too, so they are tried before."""
    try:
        text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8", "replace") if error.start > HEAD_BYTES - 4 else "\0"
    return all(char.isprintable() or char in "\t\r\n\f\ufeff" for char in text)


def zipped(path: Path) -> Format | None:
    """What a zip archive is, by the names in it; None for a file that is no zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return Format("a zip archive that is cut off or damaged", "copy or download it again")
    ends = {last_part(name) for name in names}
    if "data.pkl" in ends or "constants.pkl" in ends:
        return TORCH
    if "schema.json" in ends:
        return SKOPS
    if "model.weights.h5" in ends:
        return KERAS
    if "model.ini" in ends:
        return Format("H2O's (MOJO)", OTHER_SERVER)
    if names and all(name.endswith(".npy") for name in names):
        return Format("arrays of numpy's (.npz), not a model", RESAVE)
    if "[Content_Types].xml" in names:
        return Format("an office document", RESAVE)
    return Format("a zip archive", "unpack it, and put the file that is in it here")
