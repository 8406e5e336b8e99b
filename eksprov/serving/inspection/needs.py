"""What a model's pickle asks its server to import, told apart: the training script, the user's modules, libraries.

Each has its own cure, so each its own words. A name that runs commands is told first: unpickling calls it
(https://docs.python.org/3/library/pickle.html, the warning at its head).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.opcodes import Named

PAGE: Final = "docs/models.md says more"
MAIN: Final = frozenset({"__main__", "__mp_main__"})
# What runs a command, or code from a text or a file: no estimator asks for these.
DANGEROUS: Final = re.compile(
    r"(^|\.)((os|posix|nt)\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*|fork\w*|remove|unlink|rmdir|removedirs|kill)"
    r"|(builtins|__builtin__)\.(eval|exec|compile|__import__|open|breakpoint|input)"
    r"|(subprocess|pty|runpy|ctypes|socket|webbrowser|code|pdb|bdb|timeit|pip|ftplib|smtplib|commands)\.\w+"
    r"|shutil\.(rmtree|move)|importlib\.(import_module|__import__)|marshal\.loads?"
    r"|urllib\.request\.\w+|http\.client\.\w+)$"
)
# By the name it is imported by: what it is called, and how its models are served.
SERVED_ELSEWHERE: Final = {
    "xgboost": ("XGBoost", "save it by itself, model.save_model('model.json'), and set `runtime: mlserver-xgboost`"),
    "lightgbm": (
        "LightGBM",
        "save it by itself, model.booster_.save_model('model.bst'), and set `runtime: mlserver-lightgbm`",
    ),
    "skops": ("skops", "train a model of scikit-learn alone, and save it with joblib.dump"),
}
# Libraries that people train with, by the name they are imported by; any other may be a module of one's own.
_BY_OTHER_NAMES: Final = {
    "imblearn": "imbalanced-learn",
    "category_encoders": "category-encoders",
    "feature_engine": "feature-engine",
    "sklearn_pandas": "sklearn-pandas",
    "umap": "umap-learn",
    "sklego": "scikit-lego",
}
LIBRARIES: Final = _BY_OTHER_NAMES | {
    name: name
    for name in [
        "catboost",
        "torch",
        "tensorflow",
        "keras",
        "transformers",
        "statsmodels",
        "prophet",
        "shap",
        "optuna",
        "dill",
        "mlflow",
        "polars",
        "pyarrow",
        "nltk",
        "spacy",
        "gensim",
        "dask",
        "cudf",
        "cuml",
        "tpot",
        "xarray",
        "numba",
        "patsy",
        "mlxtend",
        "sktime",
        "tslearn",
        "hdbscan",
        "skorch",
        "cloudpickle",
        "interpret",
        "dirty_cat",
        "skrub",
        "pygam",
        "lifelines",
    ]
}


def refuse_what_is_lacking(names: Iterable[Named], file: str, folder: Folder) -> None:
    """Raises: UsageError for names that the server cannot import, or that no model needs, all of one kind at once."""
    names = tuple(names)
    if wicked := [str(name) for name in names if DANGEROUS.search(str(name))]:
        raise folder.wrong(
            f"{file} asks for {_listed(wicked)} as soon as it is loaded: no model needs that",
            "do not load it anywhere; get the model again from whoever trained it",
        )
    if mine := [name.name for name in names if name.module in MAIN]:
        raise folder.wrong(
            f"{file} needs {_listed(mine)}, which the training script itself defines (module __main__); the server has "
            "no such script",
            f"move {_listed(mine)} into a file of its own, say features.py; import it from there in the script, train "
            f"again, and put features.py into {folder.root}. {PAGE}",
        )
    _refuse_modules(dict.fromkeys(name.module for name in names), file, folder)
    _refuse_undefined(names, file, folder)


def _refuse_modules(modules: Iterable[str], file: str, folder: Folder) -> None:
    lacking = [module for module in modules if not _is_there(module, folder)]
    tops = list(dict.fromkeys(module.partition(".")[0] for module in lacking))
    if elsewhere := [SERVED_ELSEWHERE[top] for top in tops if top in SERVED_ELSEWHERE]:
        names = _listed([name for name, _ in elsewhere])
        raise folder.wrong(
            f"{file} holds a model of {names}; {folder.runtime.name} serves scikit-learn alone", elsewhere[0][1]
        )
    if known := [LIBRARIES[top] for top in tops if top in LIBRARIES]:
        raise folder.wrong(
            f"{file} needs {_listed(known)}, which the server's image does not have (it has: {folder.runtime.carries})",
            f"do without, or put it beside the model: `pip install --no-deps --target {folder.root} {known[0]}`, as "
            f"far as it works with Python 3.10. {PAGE}",
        )
    if lacking:
        source = lacking[0].replace(".", "/") + ".py"
        raise folder.wrong(
            f"{file} needs the module {_listed(lacking)}, which neither the server's image nor the model's folder has",
            f"if it is yours, put {source} into {folder.root}; if a library's, `pip install --no-deps --target "
            f"{folder.root} NAME`, as far as it works with Python 3.10. {PAGE}",
        )


def _is_there(module: str, folder: Folder) -> bool:
    """A module of the folder, whole; or one that the image has, by its first name."""
    top = module.partition(".")[0]
    return folder.module(module) is not None if folder.module(top) is not None else folder.has(top)


def _refuse_undefined(names: Iterable[Named], file: str, folder: Folder) -> None:
    """Modules of the folder have what the pickle wants of them, and can be imported themselves."""
    for name in names:
        source = folder.module(name.module)
        if source is None:
            continue
        if not folder.defines(source, name.name):
            raise folder.wrong(
                f"{file} needs {name}, and {folder.root / source} has no {name.name}",
                "put the file here as it was when the model was trained",
            )
        for where, module in folder.lacking(source):
            raise folder.wrong(
                f"{folder.root / where}, which {file} needs, imports {module}: neither the server's image nor the "
                "model's folder has it",
                f"do without it, or put it into {folder.root} too. {PAGE}",
            )


def _listed(names: Iterable[str]) -> str:
    """Up to five names, each once."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:5]) + (f" and {len(each) - 5} more" if len(each) > 5 else "")
