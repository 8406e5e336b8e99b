"""MLServer's LightGBM runtime: models in LightGBM's own format.

Class and files: https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/lightgbm/mlserver_lightgbm/lightgbm.py.
It answers with the Booster's `predict`: probabilities where the objective is binary or multiclass.
Libraries: MLServer's poetry.lock at 1.7.1.
"""

from __future__ import annotations

from typing import Final

from eksprov.serving.inspection.boosters import is_lightgbm, read_lightgbm
from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.runtimes.mlserver.flavour import Flavour, mlserver
from eksprov.serving.runtimes.mlserver.layout import prepared

FLAVOUR: Final = Flavour(
    implementations=("mlserver_lightgbm.LightGBMModel", "mlserver_lightgbm.lightgbm.LightGBMModel"),
    well_known=("model.bst",),
    suffixes=(".bst", ".txt", ".lgb"),
    look=read_lightgbm,
    save="save the model with the Booster's save_model('model.bst')",
    tells=is_lightgbm,
)
RUNTIME: Final[Runtime] = mlserver(
    FLAVOUR,
    prepared,
    of="lightgbm",
    libraries={"lightgbm": "4.6.0", "scikit-learn": "1.5.2"},
    modules=("lightgbm", "sklearn", "scipy", "joblib", "threadpoolctl", "mlserver_lightgbm"),
    floor_mib=136,
    usual_mib=222,
)
