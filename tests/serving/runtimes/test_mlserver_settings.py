"""Our picture of MLServer's two files beside its own models: the same keys, and the same verdict on any value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlserver import settings as theirs  # type: ignore[import-untyped]  # ships no types
from mlserver.repository.load import load_model_settings  # type: ignore[import-untyped]  # ships no types

from eksprov import errors
from eksprov.serving.inspection.folder import STANDARD
from eksprov.serving.runtimes.mlserver import schema as ours
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

PAIRS = (
    (theirs.ModelSettings, ours.ModelSettings),
    (theirs.ModelParameters, ours.ModelParameters),
    (theirs.Settings, ours.ServerSettings),
    (theirs.CORSSettings, ours.CorsSettings),
)
VALUES: tuple[Any, ...] = (
    *(None, True, "true", "perhaps", 0, 1, 2, -1, 1.0, 1.5, "1", "1.5", "", "x"),
    *([], ["x"], [1], {}, {"x": 1}, [[]], [{}]),
    *([{"name": "a", "datatype": "FP64", "shape": [-1, 4]}], [{"name": "a", "datatype": "fp64", "shape": [-1]}]),
    *([{"name": "a", "datatype": "BYTES", "shape": ["4"]}], [{"name": 1, "datatype": "BYTES", "shape": [4]}]),
    *([{"name": "a", "datatype": "INT8", "shape": [1], "parameters": {"content_type": 1}}],),
    *([{"name": "a", "datatype": "INT8", "shape": [1], "parameters": {"content_type": "np", "x": 1}}],),
)  # fmt: skip
# A module of Python, which MLServer imports at once; that is refused whatever it is.
IMPORTED = "model_repository_implementation"


@pytest.mark.parametrize(("their", "our"), PAIRS, ids=lambda model: model.__name__)
def test_the_keys_are_the_same(their: Any, our: Any) -> None:
    names = {"implementation" if name == "implementation_" else name for name in their.model_fields}
    assert set(our.model_fields) == names


def _takes(schema: type[ours.Section], content: dict[str, Any]) -> bool:
    try:
        ours.check(content, schema, Path("file.json"), "digits")
    except errors.UsageError:
        return False
    return True


def _model_is_loaded(content: dict[str, Any], folder: Path) -> bool:
    path = folder / "model-settings.json"
    path.write_text(json.dumps({"implementation": "x.Y", **content}))
    try:
        load_model_settings(str(path))
    except Exception:  # of any sort: whatever it ends with, MLServer does not start with this file
        return False
    return True


@pytest.mark.parametrize("key", ours.ModelSettings.model_fields)
def test_the_verdict_on_a_models_settings_is_mlservers(key: str, tmp_path: Path) -> None:
    given = [value for value in VALUES if key != "implementation" or value is not None]  # null is filled in
    mine = {repr(value): _takes(ours.ModelSettings, {key: value}) for value in given}
    assert mine == {repr(value): _model_is_loaded({key: value}, tmp_path) for value in given}


@pytest.mark.parametrize("key", ours.ModelParameters.model_fields)
def test_the_verdict_on_parameters_is_mlservers(key: str, tmp_path: Path) -> None:
    mine = {repr(value): _takes(ours.ModelSettings, {"parameters": {key: value}}) for value in VALUES}
    assert mine == {repr(value): _model_is_loaded({"parameters": {key: value}}, tmp_path) for value in VALUES}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own, of how it reads its file
@pytest.mark.parametrize("key", [key for key in ours.ServerSettings.model_fields if key != IMPORTED])
def test_the_verdict_on_the_servers_settings_is_mlservers(key: str, tmp_path: Path) -> None:
    def starts(value: Any) -> bool:
        (tmp_path / "settings.json").write_text(json.dumps({key: value}))
        try:
            theirs.Settings.parse_file(tmp_path / "settings.json")
        except Exception:  # of any sort: whatever it ends with, MLServer does not start with this file
            return False
        return True

    assert {repr(v): _takes(ours.ServerSettings, {key: v}) for v in VALUES} == {repr(v): starts(v) for v in VALUES}


def test_what_a_file_leaves_out_comes_from_the_environment_of_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a `settings.json` that speaks of other things leaves workers and ports as they are."""
    for name, value in MLSERVER_SKLEARN.env.items():
        monkeypatch.setenv(name, value)
    read = theirs.Settings.model_validate({"debug": False})
    assert (read.parallel_workers, read.http_port, read.metrics_dir) == (0, 8080, "/tmp/metrics")


def test_what_is_standard_is_standard_in_the_servers_python() -> None:
    assert {"json", "functools", "collections", "builtins", "_codecs", "copyreg", "distutils"} <= STANDARD
    assert "tomllib" not in STANDARD  # new in Python 3.11
