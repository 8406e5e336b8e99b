"""A model through the real command line: real answers, nothing done twice, a broken one kept out."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.journey import PATIENCE_S, PYTHON, Done, Project
from support.programs import kubectl_program

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

# Runs in a process of its own: the answer to compare with comes from scikit-learn alone.
PREDICT = """
import json, sys, joblib
body = json.load(open(sys.argv[2]))["inputs"][0]
rows = [body["data"][i * 64 : (i + 1) * 64] for i in range(body["shape"][0])]
print(json.dumps([int(each) for each in joblib.load(sys.argv[1]).predict(rows)]))
"""
# A model file that ends whoever loads it, by nothing that could be seen before.
BREAK = """
import joblib, operator, sys
class Broken:
    def __reduce__(self):
        return (operator.truediv, (1, 0))
joblib.dump(Broken(), sys.argv[1])
"""


def python(program: str, *arguments: str) -> str:
    """Run a few lines with the same Python."""
    done = subprocess.run(
        (PYTHON, "-c", program, *arguments), capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return done.stdout


def numbers(answer: Done) -> list[int]:
    """The predictions of an answer."""
    found: list[int] = answer.json["outputs"][0]["data"]
    return found


@pytest.fixture(scope="module")
def wanted(journey: Project) -> list[int]:
    """What scikit-learn says of every image."""
    found: list[int] = json.loads(python(PREDICT, str(journey.model), str(journey.folder / "all.json")))
    return found


@contextmanager
def broken(journey: Project) -> Iterator[None]:
    """The model's file replaced by one that cannot be loaded; put back afterwards."""
    kept = journey.folder / "kept.joblib"
    shutil.copy(journey.model, kept)
    python(BREAK, str(journey.model))
    try:
        yield
    finally:
        kept.replace(journey.model)


def versions(journey: Project, kubeconfig: Path) -> dict[str, str]:
    """Every object of the model's namespace that eksprov made, and its version."""
    program = kubectl_program()
    kinds = "deployment,service,serviceaccount,networkpolicy,poddisruptionbudget,horizontalpodautoscaler"
    command = (program, "--kubeconfig", str(kubeconfig), "get", kinds, "-n", "models", "-o", "json")
    got = subprocess.run(command, env=journey.environ, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    items = [item for item in json.loads(got.stdout)["items"] if item["metadata"]["name"] != "default"]
    # A controller writes into the autoscaler's status again and again: what is wanted of it counts alone.
    return {
        f"{item['kind']}/{item['metadata']['name']}": str(item["metadata"].get("generation", 0))
        if item["kind"] == "HorizontalPodAutoscaler"
        else item["metadata"]["resourceVersion"]
        for item in items
    }


def test_deploying_says_where_and_how_to_call_it(served: Done) -> None:
    assert served.code == 0, served.err
    assert (
        "digits answers inside the cluster at http://digits.models.svc.cluster.local/v2/models/digits/infer"
        in served.out
    )
    assert "the local world measures no CPU use" in served.err
    assert served.err.rstrip().endswith("-m eksprov invoke digits")


def test_every_answer_is_scikit_learns(journey: Project, served: Done, wanted: list[int]) -> None:
    assert served.code == 0, served.err
    assert len(wanted) == 1797
    assert numbers(journey("invoke", "digits", "--data", "all.json", "--json")) == wanted


def test_a_request_may_be_a_sample_standard_input_or_an_array(
    journey: Project, served: Done, wanted: list[int]
) -> None:
    assert served.code == 0, served.err
    assert numbers(journey("invoke", "digits", "--json")) == wanted[:3]
    sample = journey.folder / "examples/digits/sample.json"
    assert numbers(journey("invoke", "digits", "--data", "-", "--json", stdin=sample.read_text())) == wanted[:3]
    data = json.loads(sample.read_text())["inputs"][0]["data"]
    rows = json.dumps([data[start : start + 64] for start in (0, 64, 128)])
    assert numbers(journey("invoke", "digits", "--data", rows, "--json")) == wanted[:3]
    said = journey("invoke", "digits")
    assert f": {', '.join(map(str, wanted[:3]))}" in said.out


def test_a_table_may_be_a_csv_and_a_wrong_one_names_its_cause(
    journey: Project, served: Done, wanted: list[int]
) -> None:
    assert served.code == 0, served.err
    data = json.loads((journey.folder / "examples/digits/sample.json").read_text())["inputs"][0]["data"]
    rows = [data[start : start + 64] for start in (0, 64, 128)]
    lines = [",".join(map(str, row)) for row in (range(64), *rows)]
    (journey.folder / "rows.csv").write_text("\n".join(lines))
    assert numbers(journey("invoke", "digits", "--data", "rows.csv", "--json")) == wanted[:3]
    short = {"inputs": [{"name": "x", "shape": [1, 63], "datatype": "FP64", "data": data[:63]}]}
    refused = journey("invoke", "digits", "--data", json.dumps(short))
    assert refused.code == 1
    assert "HTTP 500: ValueError: X has 63 features, but" in refused.err
    assert "sent was x FP64 [1, 63]" in refused.err
    assert "Traceback" not in refused.err


def test_deploying_twice_is_deploying_once(journey: Project, served: Done, kubeconfig: Path) -> None:
    assert served.code == 0, served.err
    calls, objects = journey.changes(), versions(journey, kubeconfig)
    again = journey("deploy-model")
    assert again.code == 0, again.err
    assert ": 12 unchanged, in " in again.out
    assert (journey.changes(), versions(journey, kubeconfig)) == (calls, objects)


def test_models_and_logs_tell_of_it(journey: Project, served: Done) -> None:
    assert served.code == 0, served.err
    (model,) = journey("models", "--json").json["models"]
    assert (model["name"], model["ready"], model["wanted"], model["state"]) == ("digits", 1, 1, "ready")
    assert "POST /v2/models/digits/infer" in journey("logs", "digits").out or "GET /v2" in journey("logs", "digits").out


def test_a_models_pod_reads_its_own_files_and_no_others(journey: Project, served: Done) -> None:
    assert served.code == 0, served.err
    door = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    (inside, *_) = (env for env in (process.environ() for process in journey.processes()) if door in env)
    request = urllib.request.Request(inside[door])
    request.add_header("Authorization", Path(inside["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text())
    with urllib.request.urlopen(request, timeout=30) as answer:
        given: dict[str, Any] = json.load(answer)
    pod = journey.aws("s3", (given["AccessKeyId"], given["SecretAccessKey"], given["Token"]))
    admin = journey.aws("s3")
    (bucket,) = (each["Name"] for each in admin.list_buckets()["Buckets"])
    listed = pod.list_objects_v2(Bucket=bucket, Prefix="models/digits/")["Contents"]
    key = next(each["Key"] for each in listed if each["Key"].endswith("/model.joblib"))
    assert pod.get_object(Bucket=bucket, Key=key)["Body"].read() == journey.model.read_bytes()
    admin.put_object(Bucket=bucket, Key="models/other/model.joblib", Body=b"not yours")
    try:
        asked: tuple[Callable[[], object], ...] = (
            lambda: pod.get_object(Bucket=bucket, Key="models/other/model.joblib"),
            lambda: pod.list_objects_v2(Bucket=bucket, Prefix="models/other/"),
            lambda: pod.put_object(Bucket=bucket, Key=key, Body=b"changed"),
        )
        for ask in asked:
            with pytest.raises(ClientError, match="AccessDenied"):
                ask()
    finally:
        admin.delete_object(Bucket=bucket, Key="models/other/model.joblib")


def test_a_model_that_cannot_be_loaded_is_refused_with_its_cause_while_the_one_before_answers(
    journey: Project, served: Done, wanted: list[int]
) -> None:
    assert served.code == 0, served.err
    with broken(journey):
        rollout = journey.begin("deploy-model")
        rollout.until(lambda: "updated     model/digits/files" in rollout.said, "the files are uploaded")
        assert numbers(journey("invoke", "digits", "--json")) == wanted[:3]
        refused = rollout.ended()
    assert refused.code == 1, refused.err
    assert "error: model/digits/deployment: the server ends by itself: " in refused.err
    assert "ZeroDivisionError: division by zero" in refused.err, refused.err
    assert "skipped     model/digits/endpoint" in refused.err
    assert refused.err.rstrip().endswith("-m eksprov deploy-model")
    assert numbers(journey("invoke", "digits", "--data", "all.json", "--json")) == wanted
    mended = journey("deploy-model")
    assert mended.code == 0, mended.err
    assert numbers(journey("invoke", "digits", "--json")) == wanted[:3]
