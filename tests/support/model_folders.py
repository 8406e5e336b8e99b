"""Models' folders as people have them, made on the spot: a builder takes an empty folder and fills it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Build = Callable[[Path], None]
NAME = "digits"
ROWS = np.array([[0.0, 1.0], [1.0, 0.0]] * 10)
MODEL = make_pipeline(StandardScaler(), GaussianNB()).fit(ROWS, [0, 1] * 10)
FOREST = RandomForestClassifier(5).fit(ROWS, [0, 1] * 10)
SKLEARN = "mlserver_sklearn.SKLearnModel"
OWN_CLASS = "import numpy\n\n\nclass Rule:\n    def predict(self, rows):\n        return numpy.ones(len(rows))\n"
OF_OWN_CLASS = b"cfeatures\nRule\n)R."
OWN_RUNTIME = (
    "from mlserver import MLModel\nfrom mlserver.types import InferenceResponse\n\n\n"
    "class Mine(MLModel):\n    async def predict(self, payload):\n"
    "        return InferenceResponse(model_name=self.name, outputs=[])\n"
)


def put(name: str, content: bytes | str) -> Build:
    """A file."""

    def build(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return build


def dumped(name: str = "model.joblib", model: Any = MODEL, **how: Any) -> Build:
    """A model that joblib wrote."""
    content = io.BytesIO()
    joblib.dump(model, content, **how)
    return put(name, content.getvalue())


def said(content: Any, name: str = "model-settings.json") -> Build:
    """Settings beside the model."""
    return put(name, content if isinstance(content, str | bytes) else json.dumps(content))


def both(*builds: Build) -> Build:
    """One after the other."""

    def build(folder: Path) -> None:
        for each in builds:
            each(folder)

    return build


def with_settings(**settings: Any) -> Build:
    """A model, and settings that are whole but for what is given."""
    whole = {"name": NAME, "implementation": SKLEARN, "parameters": {"uri": "./model.joblib"}} | settings
    return both(dumped(), said({key: value for key, value in whole.items() if value is not None}))


def with_uri(uri: Any) -> Build:
    return with_settings(parameters={"uri": uri})


def with_server(**settings: Any) -> Build:
    return both(dumped(), said(settings, "settings.json"))


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


def cut(content: bytes, at: float = 0.6) -> bytes:
    return content[: int(len(content) * at)]


def a_folder(folder: Path) -> None:
    put("model.joblib/part", "x")(folder)
