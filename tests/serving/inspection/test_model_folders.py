"""Folders that people have, against the real MLServer: what is taken answers there, what is refused would not have.

Each row makes a folder. `SERVED` rows are packed and asked by MLServer's own code; `REFUSED` rows are refused in words,
and MLServer, given the folder as it lies there, fails too. What is refused though MLServer would take it (because the
pod, not the server, would suffer, or because a file says two things) is in `REFUSED_FOR_THE_POD`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pickle
import zlib
from pathlib import Path

import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from support.mlserver_says import answer, unpacked
from support.model_folders import (
    FOREST,
    MODEL,
    NAME,
    OF_OWN_CLASS,
    OWN_CLASS,
    OWN_RUNTIME,
    ROWS,
    SKLEARN,
    Build,
    a_folder,
    both,
    cut,
    dumped,
    put,
    said,
    with_server,
    with_settings,
    with_uri,
    zipped,
)

from eksprov import errors
from eksprov.serving.inspection.package import read_package
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

PICKLED = pickle.dumps(MODEL)
SERVED: dict[str, Build] = {
    "joblib": dumped(),
    "a forest": dumped(model=FOREST),
    **{f"pickle protocol {protocol}": put("model.pkl", pickle.dumps(MODEL, protocol)) for protocol in range(6)},
    **{f"joblib protocol {protocol}": dumped(protocol=protocol) for protocol in range(6)},
    **{
        f"joblib packed with {how}": dumped(f"model.joblib{ending}", compress=(how, 3))
        for how, ending in (("zlib", ".z"), ("gzip", ".gz"), ("bz2", ".bz2"), ("lzma", ".lzma"), ("xz", ".xz"))
    },
    "packed under a plain name": dumped("model.pkl", compress=3),
    "a gzipped pickle": put("model.pickle.gz", gzip.compress(PICKLED)),
    "a bz2 pickle": put("model.pkl.bz2", bz2.compress(PICKLED)),
    "an xz pickle": put("model.pkl.xz", lzma.compress(PICKLED)),
    "a zlib pickle": put("model.pkl.z", zlib.compress(PICKLED)),
    "another ending": put("model.sav", PICKLED),
    "no ending": both(put("model", PICKLED), put("README.md", "trained on Monday")),
    "in a folder": dumped("v1/model.joblib"),
    "blanks and accents": dumped("un modèle.joblib"),
    "settings without a name": with_settings(name=None),
    "settings with an empty name": with_settings(name=""),
    "settings without an implementation": with_settings(implementation=None),
    "settings without parameters": with_settings(parameters=None),
    "settings without a uri": with_settings(parameters={"version": "v2"}),
    "settings that say nothing": both(dumped("fitted.joblib"), said({})),
    "nulls": with_settings(parameters={"uri": None, "version": None}),
    "settings in a folder": both(
        dumped("d/m.joblib"), said({"name": NAME, "parameters": {"uri": "m.joblib"}}, "d/model-settings.json")
    ),
    "the class by its whole name": with_settings(implementation="mlserver_sklearn.sklearn.SKLearnModel"),
    "unnamed among several, by MLServer's own names": both(dumped(), dumped("older.joblib"), said({"name": NAME})),
    "a relative uri": with_uri("model.joblib"),
    "a uri with detours": with_uri("./x/../model.joblib"),
    "an absolute uri": with_uri("/mnt/models/model.joblib"),
    "a file uri": with_uri("file:///mnt/models/model.joblib"),
    "a uri of the folder": with_uri("."),
    "an absolute uri of the folder": with_uri("/mnt/models/"),
    "numbers as texts, which MLServer takes": with_settings(max_batch_size="4"),
    "a comment": with_settings(**{"$schema": "x", "_comment": "y"}),
    "another method": with_settings(parameters={"uri": "./model.joblib", "extra": {"predict_fn": "predict_proba"}}),
    "a transformer that is asked to": both(
        dumped(model=StandardScaler().fit(ROWS)), said({"parameters": {"extra": {"predict_fn": "transform"}}})
    ),
    "settings of the server": with_server(debug=False, cache_enabled=True, http_port=8080, root_path="/api"),
    "a class of one's own beside it": both(put("model.pkl", OF_OWN_CLASS), put("features.py", OWN_CLASS)),
    "a class in a package beside it": both(
        put("model.pkl", b"cmine.features\nRule\n)R."), put("mine/features.py", OWN_CLASS)
    ),
    "a library beside it": both(put("model.pkl", b"cimblearn.rules\nRule\n)R."), put("imblearn/rules.py", OWN_CLASS)),
    "a module that tries": both(
        put("model.pkl", OF_OWN_CLASS),
        put("features.py", "try:\n    import torch\nexcept ImportError:\n    torch = None\n" + OWN_CLASS),
    ),
    "a runtime of one's own": both(
        put("serve.py", OWN_RUNTIME), put("weights.bin", "w"), said({"implementation": "serve.Mine"})
    ),
    "a runtime of one's own for a dict": both(
        put("serve.py", OWN_RUNTIME),
        dumped(model={"model": MODEL}),
        said({"implementation": "serve.Mine", "parameters": {"uri": "./model.joblib"}}),
    ),
}


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
XGB_UBJ = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"
# What is in model.joblib, and the words that say so.
WRONG_FILES: dict[str, tuple[bytes | str, str]] = {
    "a pointer of LFS": (LFS, "Git LFS pointer"),
    "a pointer of git-annex": ("/annex/objects/SHA256E-s5--ab.joblib\n", "git-annex pointer"),
    "nothing": (b"", "is empty"),
    "nothing, packed": (gzip.compress(b""), "is empty"),
    "an HTML page": ("<!DOCTYPE html>\n<html><body>Sign in</body></html>", "an HTML page"),
    "an error of S3": ('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
    "an error in JSON": ('{"error": "not found"}', "JSON document that tells of an error"),
    "JSON": ('{"weights": [1, 2]}', "a JSON document"),
    "a notebook": ('{"cells": [], "metadata": {}, "nbformat": 4}', "a Jupyter notebook"),
    "text": ("this is the model\n", "a text file"),
    "text, packed": (gzip.compress(b"this is the model\n"), "a text file"),
    "code": ("import joblib\nmodel = joblib.load('x')\n", "a text file"),
    "CSV": ("a,b\n1,2\n", "a text file"),
    "Parquet": (b"PAR1\x15\x04", "Parquet data"),
    "an npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}", "an array of numpy"),
    "an npz": (zipped("a.npy"), "arrays of numpy"),
    "ONNX": (b"\x08\x08\x12\x07skl2onnx\x1a\x06", "is ONNX"),
    "Keras' HDF5": (b"\x89HDF\r\n\x1a\n\x00\x00", "HDF5"),
    "Keras 3": (zipped("config.json", "model.weights.h5"), "is Keras'"),
    "PyTorch": (zipped("model/data.pkl", "model/data/0"), "is PyTorch's"),
    "old PyTorch": (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", "is PyTorch's"),
    "safetensors": (b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"a":{"dtype":"F32"}}', "safetensors"),
    "GGUF": (b"GGUF\x03\x00\x00\x00", "GGUF"),
    "XGBoost's JSON": ('{"learner":{"attributes":{}}}', "XGBoost's own format"),
    "XGBoost's UBJSON": (XGB_UBJ, "XGBoost's own format"),
    "LightGBM's text": ("tree\nversion=v4\nnum_class=1\n", "LightGBM's own format"),
    "skops": (zipped("schema.json", "1.npy"), "skops' format"),
    "TensorFlow's": (b"\x08\x01\x12\xb4\x01", "TensorFlow's SavedModel"),
    "TensorFlow Lite's": (b"\x1c\x00\x00\x00TFL3\x14", "TensorFlow Lite's"),
    "CatBoost's": (b"CBM1\x00", "CatBoost's own format"),
    "R's": (gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04"), r"R's \(.rds\), packed"),
    "PMML": ('<?xml version="1.0"?>\n<PMML version="4.4">', "PMML"),
    "a tar.gz": (gzip.compress(b"model.joblib".ljust(257, b"\x00") + b"ustar\x0000" + b"\x00" * 300), "a tar archive"),
    "a zip": (zipped("model.joblib"), "a zip archive"),
    "a zip cut off": (cut(zipped("model.joblib", "x")), "a zip archive that is cut off"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "packed with zstd"),
    "lz4": (b"\x04\x22\x4d\x18\x64", "packed with lz4"),
    "a pickle cut off": (cut(PICKLED), "is cut off"),
    "a gzip cut off": (cut(gzip.compress(PICKLED)), "cut off"),
    "an xz cut off": (cut(lzma.compress(PICKLED)), "cut off"),
    "a bz2 cut off": (cut(bz2.compress(PICKLED)), "cut off"),
    "a zlib cut off": (cut(zlib.compress(PICKLED)), "cut off"),
    "a gzip damaged": (gzip.compress(PICKLED)[:30] + b"\x00" * 40 + gzip.compress(PICKLED)[70:], "damaged"),
    "a pickle damaged": (PICKLED[:60] + b"\xff\xff\xff" + PICKLED[63:], "damaged|cut off"),
    "noise": (bytes(range(255, 128, -1)), "neither a pickle nor a joblib file"),
    "a protocol to come": (b"\x80\x09" + PICKLED[2:], "neither a pickle"),
    "a dict of model and columns": (pickle.dumps({"model": MODEL, "columns": ["a"]}), r"a dict \('model', 'columns'\)"),
    "a list of models": (pickle.dumps([MODEL]), "a list, not a model"),
    "a tuple": (pickle.dumps((MODEL, 1)), "a tuple, not a model"),
    "None": (pickle.dumps(None), "None, not a model"),
    "a text in a pickle": (pickle.dumps("model"), "a text, not a model"),
    "an array in a pickle": (pickle.dumps(ROWS), "an array, not a model|data"),
    "a class": (pickle.dumps(GaussianNB), "itself, no fitted model"),
    "a transformer": (pickle.dumps(StandardScaler().fit(ROWS)), "StandardScaler, which transforms"),
    "of the training script": (b"c__main__\nRule\n)R.", "Rule, which the training script itself defines"),
    "of a module of one's own": (OF_OWN_CLASS, "the module features"),
    "of a library": (b"cimblearn.pipeline\nPipeline\n)R.", "imbalanced-learn, which the server's image does not have"),
    "XGBoost's in a pickle": (b"cxgboost.sklearn\nXGBClassifier\n)R.", "a model of XGBoost"),
    "LightGBM's in a pickle": (b"clightgbm.sklearn\nLGBMClassifier\n)R.", "a model of LightGBM"),
    "persistent ids": (b"(Pmodel\ncsklearn.dummy\nDummyClassifier\n)Rt.", "parts outside of it"),
}
REFUSED: dict[str, tuple[Build, str]] = {
    **{name: (put("model.joblib", content), words) for name, (content, words) in WRONG_FILES.items()},
    "a folder where the file is due": (a_folder, "model.joblib is a folder"),
    "another format under its own name": (put("model.onnx", b"\x08\x08\x12\x07skl2onnx\x1a\x06"), "is ONNX"),
    "XGBoost's under its own name": (put("model.ubj", XGB_UBJ), "XGBoost's own format"),
    "a SavedModel": (both(put("saved_model.pb", b"\x08\x01\x12\xb4\x01"), put("variables/x", "x")), "SavedModel"),
    "DVC's note": (put("model.joblib.dvc", "outs:\n- md5: 0\n  path: model.joblib\n"), "dvc pull|DVC's note"),
    "a module that has something else": (
        both(put("model.pkl", OF_OWN_CLASS), put("features.py", "class Other: ...\n")),
        "features.py has no Rule",
    ),
    "a module that needs more": (
        both(put("model.pkl", OF_OWN_CLASS), put("features.py", "import torch\n" + OWN_CLASS)),
        "imports torch",
    ),
    "a module that is no Python": (
        both(put("model.pkl", OF_OWN_CLASS), put("features.py", "class Rule\n")),
        "is no Python: line 1",
    ),
    "a module in the wrong place": (
        both(put("model.pkl", OF_OWN_CLASS), put("src/features.py", OWN_CLASS)),
        "the module features",
    ),
    "another model's name": (with_settings(name="other"), "gives it another name: other"),
    "another runtime's class": (with_settings(implementation="mlserver_xgboost.XGBoostModel"), "implementation"),
    "a class that is nowhere": (with_settings(implementation="serve.Mine"), "is nowhere"),
    "a class misspelt": (with_settings(implementation="mlserver_sklearn.SklearnModel"), "implementation"),
    "a class that its module lacks": (
        both(dumped(), put("serve.py", OWN_RUNTIME), said({"implementation": "serve.Yours"})),
        "serve.py has no Yours",
    ),
    "a uri of no file": (with_uri("./modle.joblib"), r"names no file"),
    "a uri of another machine": (with_uri("s3://bucket/model.joblib"), "no file of the folder"),
    "a uri of the web": (with_uri("https://example.org/model.joblib"), "no file of the folder"),
    "a uri of Windows": (with_uri("C:\\models\\model.joblib"), "no file of the folder"),
    "a uri with backslashes": (with_uri(".\\model.joblib"), "names no file"),
    "a uri that leads out": (with_uri("../model.joblib"), "leads out"),
    "an absolute uri elsewhere": (with_uri("/home/me/model.joblib"), "leads out"),
    "a uri of an empty folder": (both(with_uri("./sub"), put("sub/x.txt", "x")), "names a folder"),
    "settings cut off": (both(dumped(), said('{"name": "digits"')), "is no JSON"),
    "settings in a list": (both(dumped(), said([{"name": NAME}])), "is no JSON object, but a list"),
    "settings with a byte-order mark": (both(dumped(), said(b'\xef\xbb\xbf{"name": "digits"}')), "byte-order mark"),
    "settings in UTF-16": (both(dumped(), said('{"name": "digits"}'.encode("utf-16"))), "is not UTF-8"),
    "settings in Latin-1": (both(dumped(), said('{"name": "digits", "platform": "é"}'.encode("latin-1"))), "UTF-8"),
    "parameters in a list": (with_settings(parameters=[]), "parameters must be an object, not a list"),
    "parameters as a text": (with_settings(parameters="./model.joblib"), "parameters must be an object"),
    "a number for the name": (with_settings(name=5), "name must be a text, not the number 5"),
    "a number for the version": (
        with_settings(parameters={"uri": "./model.joblib", "version": 1}),
        "parameters.version must be a text, not the number 1",
    ),
    "a list for the uri": (with_uri(["./model.joblib"]), "parameters.uri must be a text, not a list"),
    "an object for inputs": (with_settings(inputs={}), "inputs must be a list, not an object"),
    "an input without a shape": (
        with_settings(inputs=[{"name": "a", "datatype": "FP64"}]),
        r"inputs\[0\].shape is missing",
    ),
    "a datatype of numpy": (
        with_settings(inputs=[{"name": "a", "datatype": "float64", "shape": [-1]}]),
        r"inputs\[0\].datatype",
    ),
    "a shape of texts": (
        with_settings(inputs=[{"name": "a", "datatype": "FP64", "shape": ["x"]}]),
        r"inputs\[0\].shape\[0\] must be a whole number",
    ),
    "null for a list": (with_settings(inputs=None, outputs=None, versions="1"), "versions must be a list"),
    "extra in a list": (with_settings(parameters={"uri": "./model.joblib", "extra": []}), "parameters.extra must be"),
    "a text for a number": (with_settings(max_batch_size="many"), "max_batch_size must be a whole number"),
    "a text for a flag": (with_settings(cache_enabled="perhaps"), "cache_enabled must be true or false"),
    "the server's settings cut off": (both(dumped(), said("{", "settings.json")), "is no JSON"),
    "the server's settings in a list": (both(dumped(), said([], "settings.json")), "is no JSON object"),
    "a text for a port": (with_server(http_port="http"), "http_port must be a whole number"),
    "a list for logging": (with_server(logging_settings=[1]), "logging_settings"),
}  # fmt: skip
REFUSED_FOR_THE_POD: dict[str, tuple[Build, str]] = {
    "a command": (put("model.joblib", b"cposix\nsystem\n(S'true'\ntR."), "posix.system as soon as it is loaded"),
    "code in a text": (put("model.joblib", b"cbuiltins\neval\n(S'1'\ntR."), "builtins.eval"),
    "code by another name": (put("model.joblib", b"c__builtin__\nexec\n(S'1'\ntR."), "builtins.exec"),
    "a pointer beside the model": (both(dumped(), put("vocabulary.bin", LFS)), "vocabulary.bin is a Git LFS pointer"),
    "an environment": (both(dumped(), put("environment.tar.gz", "x")), "cannot unpack"),
    "an environment in settings": (
        with_settings(parameters={"uri": "./model.joblib", "environment_tarball": "./e.tar.gz"}),
        "parameters.environment_tarball",
    ),
    "two models' settings": (
        both(with_uri("./model.joblib"), said({"name": "other", "implementation": SKLEARN}, "b/model-settings.json")),
        "2 model-settings.json",
    ),
    "a library's name for a module": (both(dumped(), put("joblib.py", "x = 1\n")), "hides the server's own module"),
    "a key twice": (both(dumped(), said('{"name": "digits", "name": "digits"}')), '"name" stands twice'),
    "NaN": (both(dumped(), said('{"name": "digits", "max_batch_time": NaN}')), "NaN is no number"),
    "a key misspelt": (with_settings(paramters={"uri": "./other.joblib"}), "no key paramters"),
    "a key a level too high": (with_settings(uri="./model.joblib"), "no key uri"),
    "a key a level too low": (
        with_settings(parameters={"implementation": SKLEARN}),
        "no key parameters.implementation",
    ),
    "a key of an input misspelt": (
        with_settings(inputs=[{"name": "a", "datatype": "FP64", "shape": [-1], "parameter": {}}]),
        r"no key inputs\[0\].parameter",
    ),
    "another HTTP port": (with_server(http_port=9000), "http_port cannot be set here"),
    "another gRPC port": (with_server(grpc_port="9001"), "grpc_port cannot be set here"),
    "another metrics port": (with_server(metrics_port=9002), "metrics_port cannot be set here"),
    "another host": (with_server(host="127.0.0.1"), "host cannot be set here"),
    "workers": (with_server(parallel_workers=2), "parallel_workers cannot be set here"),
    "models on request": (with_server(load_models_at_startup=False), "load_models_at_startup cannot be set here"),
    "Kafka": (with_server(kafka_enabled=True), "kafka_enabled cannot be set here"),
    "traces": (with_server(tracing_server="http://collector:4317"), "tracing_server cannot be set here"),
    "another repository": (
        with_server(model_repository_implementation="mine.Repository"),
        "model_repository_implementation cannot be set here",
    ),
    "a key of the server misspelt": (with_server(http_prot=8080), "no key http_prot"),
    "a name that is no URL": (dumped("a#b.joblib"), "rename the file|MLServer reads"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    return path


@pytest.mark.parametrize("row", SERVED)
def test_what_is_taken_answers_in_the_real_server(row: str, folder: Path, tmp_path: Path) -> None:
    SERVED[row](folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    package = read_package(folder, NAME, MLSERVER_SKLEARN)
    answer(unpacked(package, tmp_path / "pod"), NAME)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def refused_in_words(folder: Path, words: str) -> None:
    """One line that names the model and the folder, and a cure."""
    with pytest.raises(errors.UsageError, match=words) as caught:
        read_package(folder, NAME, MLSERVER_SKLEARN)
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith(f"model {NAME}: ")
    assert str(folder) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("row", REFUSED)
def test_what_is_refused_fails_in_the_real_server_too(row: str, folder: Path) -> None:
    build, words = REFUSED[row]
    build(folder)
    refused_in_words(folder, words)
    if not (folder / "model-settings.json").exists():
        said({"name": NAME, "implementation": SKLEARN, "parameters": {"uri": "./model.joblib"}})(folder)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the server ends with
        answer(folder, NAME)


@pytest.mark.parametrize("row", REFUSED_FOR_THE_POD)
def test_what_would_break_the_pod_is_refused_in_words(row: str, folder: Path) -> None:
    build, words = REFUSED_FOR_THE_POD[row]
    build(folder)
    refused_in_words(folder, words)


def test_links_of_git_annex_are_named(folder: Path) -> None:
    (folder / "model.joblib").symlink_to("../.git/annex/objects/Xx/Yy/SHA256E-s5--ab.joblib")
    with pytest.raises(errors.UsageError, match="git-annex pointer"):
        read_package(folder, NAME, MLSERVER_SKLEARN)


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    put("model.joblib", PICKLED)(tmp_path)
    with pytest.raises(errors.UsageError, match="is a file"):
        read_package(tmp_path / "model.joblib", NAME, MLSERVER_SKLEARN)
    assert os.listdir(tmp_path) == ["model.joblib"]
