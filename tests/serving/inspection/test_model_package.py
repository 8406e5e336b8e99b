"""Reading a model's folder: what is uploaded, what is refused, and which library wrote the model."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.models import TINY_MODEL

from eksprov import errors
from eksprov.serving.inspection.package import read_package
from eksprov.serving.inspection.pickles import sklearn_version, version_warning
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN
from eksprov.serving.runtimes.presets import runtime


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with one file."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "model.joblib").write_bytes(TINY_MODEL)
    return path


def test_settings_are_derived_and_nothing_is_written(folder: Path) -> None:
    package = read_package(folder, "digits", MLSERVER_SKLEARN)
    assert [file.path for file in package.files] == ["model-settings.json", "model.joblib"]
    assert json.loads(package.files[0].content) == {
        "name": "digits",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    assert [path.name for path in folder.iterdir()] == ["model.joblib"]


def test_own_settings_are_taken_as_they_are(folder: Path) -> None:
    own = {"name": "digits", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    (folder / "model-settings.json").write_text(json.dumps(own))
    package = read_package(folder, "digits", MLSERVER_SKLEARN)
    assert package.files[0].source == folder / "model-settings.json"


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "other"}'])
def test_settings_that_would_hide_the_model_are_refused(folder: Path, text: str) -> None:
    (folder / "model-settings.json").write_text(text)
    with pytest.raises(errors.UsageError):
        read_package(folder, "digits", MLSERVER_SKLEARN)


def test_the_digest_is_of_names_and_contents_alone(folder: Path, tmp_path: Path) -> None:
    first = read_package(folder, "digits", MLSERVER_SKLEARN).digest
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    os.utime(copy / "model.joblib", (1, 1))
    assert read_package(copy, "digits", MLSERVER_SKLEARN).digest == first
    (copy / "model.joblib").write_bytes(TINY_MODEL + b"z")
    assert read_package(copy, "digits", MLSERVER_SKLEARN).digest != first


def test_samples_hidden_files_and_caches_stay_at_home(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "x").write_text("")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "y.pyc").write_text("")
    before = read_package(folder, "digits", MLSERVER_SKLEARN).digest
    (folder / "sample.json").write_text("[[1]]")
    package = read_package(folder, "digits", MLSERVER_SKLEARN)
    assert package.digest == before
    assert package.sample == folder / "sample.json"
    assert package.size_bytes == sum(file.size for file in package.files)


def _missing(folder: Path) -> None:
    shutil.rmtree(folder)


def _empty(folder: Path) -> None:
    (folder / "model.joblib").unlink()


def _no_model(folder: Path) -> None:
    (folder / "model.joblib").rename(folder / "readme.txt")


def _two_models(folder: Path) -> None:
    (folder / "other.pkl").write_bytes(b"x")


def _escaping_file(folder: Path) -> None:
    (folder / "secret").symlink_to("/etc/passwd")


def _escaping_folder(folder: Path) -> None:
    (folder / "up").symlink_to("..")


def _broken_link(folder: Path) -> None:
    (folder / "gone").symlink_to("nowhere")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def _environment(folder: Path) -> None:
    (folder / "environment.tar.gz").write_bytes(b"x")


def _strange_name(folder: Path) -> None:
    (folder / "a\nb").write_text("")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_missing, "there is no folder"),
        (_empty, "is empty"),
        (_no_model, "looks like a model"),
        (_two_models, r"2 files in .* could be the model: model\.joblib, other\.pkl"),
        (_escaping_file, "leads out of"),
        (_escaping_folder, "leads out of"),
        (_broken_link, "is a link to nowhere, which is not there"),
        (_pipe, "no ordinary file"),
        (_environment, "which the server cannot unpack"),
        (_strange_name, "cannot be an object's"),
    ],
)
def test_what_cannot_be_served_is_one_clear_line(folder: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(folder)
    with pytest.raises(errors.UsageError, match=words) as caught:
        read_package(folder, "digits", MLSERVER_SKLEARN)
    assert "\n" not in caught.value.message


def test_a_link_inside_the_folder_is_read_through(folder: Path) -> None:
    (folder / "also.txt").symlink_to("model.joblib")
    files = {file.path: file.sha256 for file in read_package(folder, "digits", MLSERVER_SKLEARN).files}
    assert files["also.txt"] == files["model.joblib"]


def test_an_unknown_runtime_is_told_with_those_there_are() -> None:
    with pytest.raises(errors.UsageError) as caught:
        runtime("torchserve")
    assert "mlserver-sklearn" in caught.value.hint


class Estimator:
    """Stands for scikit-learn's, whose state has the version in it."""

    def __init__(self, version: str = "1.3.0") -> None:
        self.coef_ = b"\x80\x04_sklearn" * 1000
        self._sklearn_version = version


@pytest.mark.parametrize("protocol", range(6))
def test_the_version_is_found_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps([Estimator(), Estimator()], protocol))
    assert sklearn_version(path) == "1.3.0"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zlib.compress, bytes])
def test_the_version_is_found_under_every_compression(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(pack(b"\x00" * 3_000_000 + pickle.dumps(Estimator())))
    assert sklearn_version(path) == "1.3.0"


@pytest.mark.parametrize("cut", [2**20 - 40 + n for n in range(0, 44, 3)])
def test_the_version_is_found_across_the_edge_of_two_chunks(tmp_path: Path, cut: int) -> None:
    data = pickle.dumps(Estimator())
    path = tmp_path / "m.pkl"
    path.write_bytes(b"\x00" * (cut - data.index(b"_sklearn_version")) + data)
    assert sklearn_version(path) == "1.3.0"


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b damaged", b"x\x9c damaged", b"_sklearn_version", b"x" * 100])
def test_a_file_that_says_nothing_gives_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(content)
    assert sklearn_version(path) is None


def test_looking_runs_nothing_of_the_file(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return (os.mkdir, (str(tmp_path / "exploded"),))

    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps([Bomb(), Estimator()]))
    assert sklearn_version(path) == "1.3.0"
    assert not (tmp_path / "exploded").exists()


def test_real_joblib_files_of_real_estimators_are_understood(tmp_path: Path) -> None:
    joblib = pytest.importorskip("joblib")
    sklearn = pytest.importorskip("sklearn")
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(3).fit([[0, 0], [1, 1]] * 50, [0, 1] * 50)
    for compress in (0, 3, ("gzip", 3), ("xz", 3)):
        joblib.dump(model, tmp_path / "m.joblib", compress=compress)
        assert sklearn_version(tmp_path / "m.joblib") == sklearn.__version__


def test_only_another_version_is_warned_about(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(Estimator("1.5.2")))
    assert version_warning(path, "1.5.2") is None
    warning = version_warning(path, "1.3.0")
    assert warning is not None
    assert "1.5.2" in warning
    assert "1.3.0" in warning
    written = b"csklearn.dummy\nDummyClassifier\n)R}S'_sklearn_version'\nS'1.9.0'\nsS'classes_'\nNsb."
    (folder / "model.joblib").write_bytes(written)
    assert "scikit-learn 1.9.0" in read_package(folder, "digits", MLSERVER_SKLEARN).warnings[0]
