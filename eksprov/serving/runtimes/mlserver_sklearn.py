"""MLServer's scikit-learn runtime: pickles, by joblib or without it.

Class and files: https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/sklearn/mlserver_sklearn/sklearn.py. Without a
model to speak of, its process was measured at 213 MiB resident, 136 MiB of them its own and 77 MiB of library files,
which the kernel may drop (/proc/PID/status, Python 3.11, November 2026).
"""

from __future__ import annotations

from typing import Final

from eksprov.serving.inspection.contents import is_model, read_pickle
from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.runtimes.mlserver.flavour import Flavour, mlserver
from eksprov.serving.runtimes.mlserver.layout import prepared

FLAVOUR: Final = Flavour(
    implementations=("mlserver_sklearn.SKLearnModel", "mlserver_sklearn.sklearn.SKLearnModel"),
    well_known=("model.joblib", "model.pickle", "model.pkl"),
    suffixes=(".joblib", ".pkl", ".pickle"),
    look=read_pickle,
    save="save the model with joblib.dump",
    # What joblib packs with, by the endings that people give (https://joblib.readthedocs.io/en/stable/persistence.html).
    packings=("", ".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4"),
    recognises=is_model,
)
RUNTIME: Final[Runtime] = mlserver(
    FLAVOUR,
    prepared,
    of="sklearn",
    libraries={"scikit-learn": "1.5.2", "joblib": "1.4.2"},
    # `_loss` is scikit-learn's: its compiled losses call themselves so.
    modules=("sklearn", "_loss", "scipy", "joblib", "threadpoolctl", "mlserver_sklearn"),
    floor_mib=136,
    usual_mib=213,
)
