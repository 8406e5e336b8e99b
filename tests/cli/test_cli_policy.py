"""`eksprov policy` on the command line: JSON documents on stdout, what is said about them on stderr, and no AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eksprov.cli import main

CONFIG = "name: digits\nnode_groups:\n  - name: workers\n    instance_types: [m7i.large]\n"
MODEL = "models:\n  - name: digits\n    path: model\n"
ACCOUNT = "111122223333"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    file = tmp_path / "eksprov.yaml"
    file.write_text(CONFIG + MODEL)
    return file


def documents(text: str) -> list[dict[str, Any]]:
    """Those of an answer: one as it is, several in an object by their names."""
    answer = json.loads(text)
    return [answer] if "Statement" in answer else list(answer.values())


def actions(document: dict[str, Any]) -> set[str]:
    named = [statement["Action"] for statement in document["Statement"]]
    return {action for one in named for action in ([one] if isinstance(one, str) else one)}


def test_the_documents_are_the_answer_and_the_rest_is_said_beside(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "--config", str(config)]) == 0
    said = capsys.readouterr()
    found = documents(said.out)
    assert len(found) == 4
    assert list(json.loads(said.out)) == [f"eksprov-digits-{number}" for number in (1, 2, 3, 4)]
    assert all(one["Version"] == "2012-10-17" for one in found)
    assert "eksprov-digits-1 (1 of 4)" in said.err
    assert "pass --account" in said.err


def test_json_has_every_document_with_its_size(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--config", str(config), "--account", ACCOUNT, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["phases"] == ["provision", "lock", "deploy-model", "teardown"]
    assert [one["name"] for one in answer["documents"]] == [f"eksprov-digits-{number}" for number in (1, 2, 3, 4)]
    assert all(one["characters"] <= 6144 for one in answer["documents"])
    text = json.dumps(answer)
    assert f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/digits" in text
    assert ":*:cluster" not in text


def test_a_phase_alone_allows_less(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--config", str(config), "--phase", "deploy-model"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"iam:CreateRole", "s3:PutObject", "iam:PassRole"} <= actions(document)
    assert not {action for action in actions(document) if action.startswith(("kms:", "ec2:Create", "eks:Delete"))} - {
        "eks:DeletePodIdentityAssociation"
    }


def test_a_key_of_the_stacks_own_brings_its_rights(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(f"{CONFIG}cluster:\n  kms_key: own\n")
    assert main(["policy", "--config", str(config), "--phase", "provision"]) == 0
    allowed = set().union(*map(actions, documents(capsys.readouterr().out)))
    assert {"kms:CreateKey", "kms:CreateGrant", "eks:AssociateEncryptionConfig"} <= allowed
    assert "kms:ScheduleKeyDeletion" not in allowed


def test_the_partition_is_the_regions(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(f"{CONFIG}region: cn-north-1\n")
    assert main(["policy", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "arn:aws-cn:eks:cn-north-1:" in out
    assert "arn:aws:" not in out


def test_an_account_that_is_none_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--config", str(config), "--account", "12"]) == 2
    assert "twelve digits" in capsys.readouterr().err


def test_a_folder_gets_one_file_a_document(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["policy", "--config", str(config), "--account", ACCOUNT]
    folder = tmp_path / "policies" / "digits"
    assert main(base) == 0
    printed = documents(capsys.readouterr().out)
    assert main([*base, "--out", str(folder)]) == 0
    said = capsys.readouterr()
    files = [folder / f"digits-all-{number}.json" for number in range(1, len(printed) + 1)]
    assert said.out.splitlines() == [str(file) for file in files]
    assert [json.loads(file.read_text()) for file in files] == printed
    assert sorted(folder.iterdir()) == files
    assert main([*base, "--phase", "deploy-model", "--out", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["files"] == [str(folder / "digits-deploy-model-1.json")]
    assert json.loads((folder / "digits-deploy-model-1.json").read_text()) == answer["documents"][0]["document"]


def test_what_an_earlier_run_left_in_the_folder_is_told(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("digits-lock-2.json", "digits-lock-mine.json", "notes.txt"):
        (tmp_path / name).write_text("{}")
    assert main(["policy", "--config", str(config), "--phase", "lock", "--out", str(tmp_path)]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "earlier run" in line]
    assert len(told) == 1
    assert "digits-lock-2.json" in told[0]
    assert (tmp_path / "digits-lock-2.json").read_text() == "{}"


def test_a_folder_that_cannot_be_written_is_one_error(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policies").write_text("a file")
    assert main(["policy", "--config", str(config), "--out", str(tmp_path / "policies" / "x")]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert "--out DIR" in said.err
    assert said.out == ""


@pytest.mark.parametrize("scaler", ["cluster-autoscaler", "karpenter", "auto-mode"])
def test_every_autoscaler_has_a_policy_before_anything_is_recorded(
    config: Path, scaler: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(f"{CONFIG}autoscaler: {scaler}\n")
    assert main(["policy", "--config", str(config)]) == 0
    assert documents(capsys.readouterr().out)
