"""A model's files in S3: uploaded once, resumed, refused where the bucket is not ours, and gone without a trace."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.account import Account, converge_all, remove_all, run_of
from support.models import TINY_MODEL
from support.samples import STACK

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Step
from eksprov.serving.files import FilesFacts, ModelFiles
from eksprov.serving.inspection.package import Package, read_package
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN

WEIGHTS = TINY_MODEL + b"w" * 4000  # what follows a pickle is never read
SLUG = f"{STACK.bucket}/models/digits/"


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A model of many files, one of them empty and one in a folder."""
    (tmp_path / "sub").mkdir()
    for name, content in {"model.joblib": WEIGHTS, "empty": b"", "sub/labels.txt": b"0\n1\n"}.items():
        (tmp_path / name).write_bytes(content)
    for number in range(12):
        (tmp_path / f"part-{number}").write_bytes(bytes([number]) * 100)
    return read_package(tmp_path, "digits", MLSERVER_SKLEARN)


def step(package: Package) -> ModelFiles:
    return ModelFiles(name="model/digits/files", slug=SLUG, digest=package.digest, files=package.files)


def keys(account: Account) -> dict[str, int]:
    """What is in the bucket, read beside the step."""
    pages = account.plain("s3").get_paginator("list_objects_v2").paginate(Bucket=STACK.bucket)
    return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}


def wanted(package: Package) -> dict[str, int]:
    return {f"models/digits/{package.digest}/{file.path}": file.size for file in package.files}


def test_everything_is_uploaded_and_the_second_run_writes_nothing(account: Account, package: Package) -> None:
    outcome = converge_all((step(package),), account.aws())["model/digits/files"]
    assert outcome.status is Status.CREATED
    assert outcome.outputs["uri"] == f"s3://{SLUG}{package.digest}/"
    assert keys(account) == wanted(package)
    body = account.plain("s3").get_object(Bucket=STACK.bucket, Key=f"models/digits/{package.digest}/model.joblib")
    assert body["Body"].read() == WEIGHTS
    account.tape.rewind()
    assert converge_all((step(package),), account.aws())["model/digits/files"].status is Status.UNCHANGED
    assert account.tape.mutating == []


@pytest.mark.parametrize("spoil", ["missing", "cut off"])
def test_only_what_is_not_there_is_uploaded_again(account: Account, package: Package, spoil: str) -> None:
    converge_all((step(package),), account.aws())
    key, s3 = f"models/digits/{package.digest}/part-3", account.plain("s3")
    if spoil == "missing":
        s3.delete_object(Bucket=STACK.bucket, Key=key)
    else:
        s3.put_object(Bucket=STACK.bucket, Key=key, Body=b"x")
    account.tape.rewind()
    assert converge_all((step(package),), account.aws())["model/digits/files"].status is Status.UPDATED
    assert len(account.tape.mutating) == 1
    assert keys(account) == wanted(package)


def found(files: Step[Aws, FilesFacts], account: Account) -> dict[str, str]:
    have = files.discover(account.aws())
    assert have is not None
    return files.outputs(have)


def test_files_found_by_their_tags_tell_what_a_deployment_would(account: Account, package: Package) -> None:
    made = converge_all((step(package),), account.aws())["model/digits/files"].outputs
    assert found(ModelFiles.from_record("model/digits/files", SLUG), account) == made
    assert made["digest"] == package.digest


def test_earlier_contents_stay_until_the_model_goes(account: Account, package: Package, tmp_path: Path) -> None:
    converge_all((step(package),), account.aws())
    (tmp_path / "model.joblib").write_bytes(TINY_MODEL + b"better")
    newer = read_package(tmp_path, "digits", MLSERVER_SKLEARN)
    account.plain("s3").put_object(Bucket=STACK.bucket, Key="models/iris/x", Body=b"another model's")
    converge_all((step(newer),), account.aws())
    assert keys(account) == {**wanted(package), **wanted(newer), "models/iris/x": 15}
    step_found = ModelFiles.from_record("model/digits/files", SLUG)
    assert found(step_found, account) == {"uri": f"s3://{SLUG}", "digest": ""}  # nothing there says which are in use
    assert found(step(newer), account)["digest"] == newer.digest
    assert remove_all((step_found,), account.aws())[step_found.name].status is Status.DELETED
    assert keys(account) == {"models/iris/x": 15}
    assert remove_all((step_found,), account.aws())[step_found.name].status is Status.ABSENT


def test_nothing_is_uploaded_to_a_bucket_that_is_not_ours(account: Account, package: Package) -> None:
    account.plain("s3").delete_bucket_tagging(Bucket=STACK.bucket)
    with pytest.raises(errors.OwnershipError):
        converge_all((step(package),), account.aws())
    assert keys(account) == {}


def test_without_a_bucket_the_message_says_to_provision(account: Account, package: Package) -> None:
    account.plain("s3").delete_bucket(Bucket=STACK.bucket)
    assert step(package).discover(account.aws()) is None
    with pytest.raises(errors.OwnershipError) as caught:
        converge_all((step(package),), account.aws())
    assert "provision" in caught.value.hint


def test_a_strangers_bucket_is_not_emptied(account: Account, package: Package) -> None:
    converge_all((step(package),), account.aws())
    account.plain("s3").delete_bucket_tagging(Bucket=STACK.bucket)
    with pytest.raises(errors.OwnershipError):
        remove_all((step(package),), account.aws())
    assert keys(account) == wanted(package)


def test_s3_is_told_the_hash_that_each_file_must_have(account: Account, package: Package) -> None:
    """So a file that changes between hashing and sending is refused by S3."""
    converge_all((step(package),), account.aws())
    sent = {c.params["Key"]: c.params["ChecksumSHA256"] for c in account.tape.calls if c.operation == "PutObject"}
    promised = {f"models/digits/{package.digest}/{file.path}": file.sha256 for file in package.files}
    assert {key: base64.b64decode(checksum).hex() for key, checksum in sent.items()} == promised


def test_a_survey_finds_each_model_that_has_files_and_nothing_of_others(account: Account, package: Package) -> None:
    converge_all((step(package),), account.aws())
    account.plain("s3").put_object(Bucket=STACK.bucket, Key="models/iris/abc/x", Body=b"x")
    seen = {s.slug: s.owner for s in ModelFiles.list_owned(account.aws(), "demo")}
    assert seen.keys() == {SLUG, f"{STACK.bucket}/models/iris/"}
    assert seen[SLUG].step == "model/digits/files"
    assert list(ModelFiles.list_owned(account.aws(), "dem")) == []
    account.plain("s3").delete_bucket_tagging(Bucket=STACK.bucket)
    assert list(ModelFiles.list_owned(account.aws(), "demo")) == []


def test_a_large_file_goes_up_in_parts(account: Account, package: Package, tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_bytes(TINY_MODEL + b"0" * (70_000_000 - len(TINY_MODEL)))
    large = read_package(tmp_path, "digits", MLSERVER_SKLEARN)
    only = tuple(file for file in large.files if file.path == "model.joblib")
    big = replace(step(large), files=only)
    aws: Any = account.aws()
    assert converge(big, Outputs(), run_of(aws)).status is Status.CREATED
    assert keys(account)[f"models/digits/{large.digest}/model.joblib"] == 70_000_000
    assert package
