"""MLServer's XGBoost runtime: models in XGBoost's own format.

Class and files: https://github.com/SeldonIO/MLServer/blob/1.7.1/runtimes/xgboost/mlserver_xgboost/xgboost.py.
It answers with what `predict` returns, one column; `predict_proba` on request, of classifiers alone.
Libraries: MLServer's poetry.lock at 1.7.1.
"""

from __future__ import annotations

from typing import Final

from eksprov.serving.inspection.boosters import is_xgboost, read_xgboost
from eksprov.serving.runtimes.base import Runtime
from eksprov.serving.runtimes.mlserver.flavour import Flavour, mlserver
from eksprov.serving.runtimes.mlserver.layout import prepared

FLAVOUR: Final = Flavour(
    implementations=("mlserver_xgboost.XGBoostModel", "mlserver_xgboost.xgboost.XGBoostModel"),
    well_known=("model.bst", "model.json", "model.ubj"),
    suffixes=(".json", ".ubj", ".bst"),
    look=read_xgboost,
    save="save the model with model.save_model('model.json')",
    tells=is_xgboost,
)
RUNTIME: Final[Runtime] = mlserver(
    FLAVOUR,
    prepared,
    of="xgboost",
    libraries={"xgboost": "2.1.2", "scikit-learn": "1.5.2"},
    modules=("xgboost", "sklearn", "scipy", "joblib", "threadpoolctl", "mlserver_xgboost"),
    floor_mib=136,
    usual_mib=222,
)
