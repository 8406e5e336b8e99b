"""What is to be done about the exception that ended a server: as wide as its cause, and no wider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from eksprov.serving.diagnosis.cures import cause_in, cure
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "cures.yaml").read_text())
VERSIONS = "train and save the model with the library versions that the runtime has: scikit-learn 1.5.2"
WARNED = (
    "base.py:1: InconsistentVersionWarning: Trying to unpickle estimator from version 1.7.1 when using version 1.5.2"
)


def log(exception: str, before: str = "") -> str:
    return f'{before}\nTraceback (most recent call last):\n  File "/x.py", line 1, in load\n{exception}\n'


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_each_cause_has_its_own_cure(case: dict[str, str]) -> None:
    text = log(case["exception"])
    assert case["cure"] in cure(cause_in(text), text, MLSERVER_SKLEARN.name)


def test_a_warning_of_another_version_explains_what_the_other_version_would_have_and_nothing_else() -> None:
    lacking = log("AttributeError: 'LogisticRegression' object has no attribute 'multi_class'", WARNED)
    assert cure(cause_in(lacking), lacking, MLSERVER_SKLEARN.name).startswith(VERSIONS)
    other = log("FileNotFoundError: [Errno 2] No such file or directory: 'words.txt'", WARNED)
    assert "what the exception names" in cure(cause_in(other), other, MLSERVER_SKLEARN.name)


def test_what_a_server_says_as_it_goes_is_not_its_cause() -> None:
    gone = log("merlin.Unwilling: not today") + log("asyncio.exceptions.CancelledError")
    cause = cause_in(gone)
    assert cause is not None
    assert cause.name == "Unwilling"
    alone = cause_in(log("KeyboardInterrupt"))
    assert alone is not None
    assert alone.name == "KeyboardInterrupt"


def test_an_unknown_runtime_and_a_log_without_an_exception_leave_something_to_do() -> None:
    assert "library versions that the runtime has" in cure(
        cause_in(log("ImportError: No module named 'numpy._core'")), "", "another"
    )
    assert "eksprov logs" in cure(cause_in("bye"), "bye", MLSERVER_SKLEARN.name)
    assert cause_in(json.dumps({"message": "all is well"})) is None
