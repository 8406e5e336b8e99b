"""From the exception that ended a server, or a call, to what mends it: each cure as wide as its cause. Pure.

A class that the training script itself defined, a module of one's own, a library that the runtime does not have, and a
library of another version all show as a pickle that cannot be read; what mends them differs. The messages are CPython's
(https://docs.python.org/3.10/library/pickle.html) and scikit-learn's
(https://scikit-learn.org/stable/model_persistence.html#versions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from eksprov.serving.diagnosis.tracebacks import Raised, raised_in
from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.runtimes.presets import RUNTIMES

FAREWELLS: Final = frozenset({"CancelledError", "KeyboardInterrupt", "SystemExit"})  # what a server that stops prints
# Packages by the distribution that brings them; what a runtime's library is called when it is imported.
IMPORTED_AS: Final[Mapping[str, str]] = {
    "sklearn": "scikit-learn",
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "joblib": "joblib",
}
# Libraries that models are often made of; a module of another name may be a file of one's own.
LIBRARIES: Final = frozenset(
    {
        *("autogluon", "catboost", "category_encoders", "cloudpickle", "dill", "fasttext", "feature_engine", "flaml"),
        *("gensim", "hdbscan", "imblearn", "implicit", "keras", "lifelines", "lightfm", "lightgbm", "mlflow"),
        *("mlxtend", "nltk", "onnxruntime", "optuna", "pmdarima", "polars", "prophet", "pyod"),
        *("sentence_transformers", "shap", "skl2onnx", "sklearn_crfsuite", "sklearn_pandas", "skops", "skorch"),
        *("sktime", "spacy", "statsmodels", "surprise", "tensorflow", "torch", "tpot", "transformers", "umap"),
        "xgboost",
    }
)
PASSING: Final = frozenset({"MemoryError", "TimeoutError", "gaierror", "URLError", "HTTPError", "SSLError", "timeout"})
_NO_MODULE = re.compile(r"No module named '?([\w.]+)")
_NO_NAME = re.compile(r"[Cc]an't get attribute '([\w.<>]+)' on <module '([\w.]+)'")
_NOT_IMPORTED = re.compile(r"cannot import name '([\w.]+)' from (?:partially initialized module )?'([\w.]+)'")
_OLD_TREES = re.compile(r"incompatible dtype|__setstate__|has an incompatible|_RemainderColsList|monotonic_cst")

_NO_METHOD = re.compile(r"'([\w.]+)' object has no attribute '(predict|predict_proba|transform|decision_function)'")
_LACKING = re.compile(r"'[A-Z]\w+' object has no attribute '\w+'")


def cause_in(text: str) -> Raised | None:
    """The last exception that a text tells, but for those with which a server takes its leave."""
    raised = raised_in(text)
    causes = [one for one in raised if one.name not in FAREWELLS]
    return next(reversed(causes or raised), None)


def may_pass(raised: Raised) -> bool:
    """Whether the same server may get by this exception at its next start: it was short of memory, or of an answer."""
    return (
        raised.name in PASSING or raised.name.startswith(("Connection", "BrokenPipe")) or "timed out" in raised.message
    )


def cure(raised: Raised | None, text: str, runtime: str) -> str:
    """What to do about the exception that a server's log (or answer) `text` ends with; `runtime` by its name."""
    preset = RUNTIMES.get(runtime)
    if raised is None:
        return "read the log with `eksprov logs`; try the model in the same runtime on your machine"
    said = raised.message
    if found := _NO_MODULE.search(said):
        return _missing_module(found[1], preset)
    if found := _NO_NAME.search(said) or _NOT_IMPORTED.search(said):
        return _missing_name(found[1], found[2], preset)
    if _OLD_TREES.search(f"{raised.type}: {said}") or _unlike(raised, text):
        return _same_versions(preset)
    if raised.name == "MemoryError":
        return "raise the model's memory_mib"
    if raised.name in ("UnpicklingError", "EOFError", "BadZipFile", "zlib.error") or "invalid load key" in said:
        return (
            "the model's file is damaged or no pickle: save the model again with joblib.dump, and try joblib.load on it"
        )
    if raised.name == "NotFittedError":
        return "fit the model before it is saved"
    if found := _NO_METHOD.search(said):
        return f"save the model alone, as an object that has {found[2]}: what was saved is of type {found[1]}"
    if raised.name == "TypeError" and "missing 1 required positional argument" in said:
        return "save the fitted model, not its class"
    if raised.name == "AttributeError" and _LACKING.search(said):
        return f"most often another version saved it: {_same_versions(preset)}"
    if raised.name == "InvalidModelURI":
        return "name a file of the model's folder in parameters.uri of model-settings.json, as ./FILE"
    if raised.name in ("ValidationError", "JSONDecodeError"):
        return (
            "correct model-settings.json (or settings.json) in the model's folder, or leave it out: eksprov writes one"
        )
    if "Read-only file system" in said or raised.name == "PermissionError":
        return "let the model write below /tmp alone: everything else is read-only"
    return "mend what the exception names; `eksprov logs` shows all of it"


def _missing_module(module: str, runtime: Runtime | None) -> str:
    top = module.partition(".")[0]
    if IMPORTED_AS.get(top):  # the library is there, and this part of it isn't: another version has it
        return _same_versions(runtime)
    if top in LIBRARIES:
        has = f" ({_listed(runtime)})" if runtime else ""
        return f"the model needs {top}, which the runtime does not have: train with its libraries alone{has}"
    return (
        f"the model needs the module {top}: put {top}.py, where it is yours, beside the model's file; "
        "a library that the runtime lacks must not be used"
    )


def _missing_name(name: str, module: str, runtime: Runtime | None) -> str:
    top = module.partition(".")[0]
    if top in ("__main__", "__mp_main__"):
        return (
            f"{name} was defined in the script that saved the model: move it into a file of its own, import it from "
            "there, save the model again, and put that file beside it"
        )
    if IMPORTED_AS.get(top):
        return _same_versions(runtime)
    if top in LIBRARIES:
        return f"save the model with the version of {top} that the runtime has"
    return f"put the {top}.py that the model was saved with beside it: the one there has no {name}"


def _same_versions(runtime: Runtime | None) -> str:
    which = f": {_listed(runtime)}" if runtime else ""
    return f"train and save the model with the library versions that the runtime has{which}"


def _listed(runtime: Runtime) -> str:
    return ", ".join(f"{name} {version}" for name, version in runtime.libraries.items() if name != "python")


def _unlike(raised: Raised, text: str) -> bool:
    """Whether scikit-learn warned of another version, and then lacked what the other version would have had."""
    lacking = raised.name in ("AttributeError", "ModuleNotFoundError", "TypeError", "KeyError")
    return lacking and "InconsistentVersionWarning" in text
