"""What plan, provision and teardown print, ask and return."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from support.command_line import CommandLine, Samples, Scripted

from eksprov.cli.render.text import planned_text
from eksprov.core.change import Action, Change, FieldChange
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import Plan, Planned
from eksprov.steps.leftovers.pieces import Piece

PLAN_TEXT = """\
stack digits (us-west-2, local world), compared with the world:
  + create   vpc                 10.0.0.0/16
  ~ update   node-group/workers
               desired_size 2 -> 3
               labels {b} -> {a}
-/+ replace  cluster             (failed: no room)
  ! refused  bucket
      problem: exists and is not this stack's
  - delete   old                 (no longer in the config)
    note: Kubernetes 1.37 is out
plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 unchanged, 1 problem
"""


def test_plan_shows_what_and_why_and_fails_where_something_would_be_refused(
    cli: CommandLine, scripted: type[Scripted]
) -> None:
    result = cli("plan", backend=scripted())
    assert (result.code, result.out) == (1, PLAN_TEXT)
    assert result.err == "once mended, look again with: eksprov plan\n"


def test_a_plan_counts_only_what_there_is(cli: CommandLine, scripted: type[Scripted]) -> None:
    created = Planned("vpc", "vpc", "digits", Change(Action.CREATE), description="10.0.0.0/16")
    out = cli("plan", backend=scripted(plan_is=Plan((created,)))).out
    assert out.splitlines()[-1] == "plan: 1 to create"


def test_of_tags_a_plan_shows_those_that_differ() -> None:
    have, want = {"env": "test", "old": "1", "team": "ml"}, {"env": "prod", "new": "2", "team": "ml"}
    line = Planned("vpc", "vpc", "v", Change(Action.UPDATE, (FieldChange("tags", have, want),)))
    assert click.unstyle(planned_text(line)).splitlines() == [
        "  ~ update   vpc",
        "               tags.env test -> prod",
        "               tags.old 1 -> (none)",
        "               tags.new (none) -> 2",
    ]


def test_plan_check_exits_3_on_changes_and_0_on_none(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    assert cli("plan", "--check", backend=scripted(plan_is=samples.changes)).code == 3
    result = cli("plan", "--check", backend=scripted(plan_is=samples.no_changes))
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("no changes: 1 resource as wanted\n")


def test_an_offline_plan_says_that_aws_was_not_asked(cli: CommandLine, scripted: type[Scripted]) -> None:
    backend = scripted()
    result = cli("plan", "--offline", backend=backend)
    assert backend.asked == ["offline plan"]
    assert "compared with the record alone; AWS was not asked:" in result.out


def test_a_plan_in_json_lists_every_step(cli: CommandLine, scripted: type[Scripted]) -> None:
    body = json.loads(cli("plan", "--json", backend=scripted()).out)
    assert list(body) == [
        *(
            "schema",
            "stack",
            "place",
            "basis",
            "changes",
            "counts",
            "notes",
            "steps",
            "cost",
            "findings",
            "ok",
            "models",
        )
    ]
    assert body["counts"] == {"create": 1, "update": 1, "replace": 1, "delete": 1, "unchanged": 1, "problems": 1}
    assert body["changes"] == 5
    assert body["steps"][2] == {
        "name": "node-group/workers",
        "kind": "node-group",
        "slug": "workers",
        "action": "update",
        "reason": "",
        "problem": "",
        "fields": [{"name": "desired_size", "have": 2, "want": 3}, {"name": "labels", "have": ["b"], "want": ["a"]}],
        "description": "",
    }
    assert body["steps"][0]["description"] == "10.0.0.0/16"


def test_provision_tells_each_step_and_sums_up(cli: CommandLine, scripted: type[Scripted]) -> None:
    result = cli("provision", backend=scripted())
    assert result.code == 0
    assert result.out == "stack digits (us-west-2, local world): 1 unchanged, 1 created, in 34 s\n"
    assert result.err.splitlines() == [
        "created     vpc     0.4 s  vpc-1",
        "next: eksprov kubeconfig",
    ]


def test_what_did_not_change_is_counted_and_with_v_listed(cli: CommandLine, scripted: type[Scripted]) -> None:
    assert "unchanged   role" not in cli("provision", backend=scripted()).err
    for arguments in (("provision", "-v"), ("-v", "provision"), ("provision", "--verbose")):
        assert "unchanged   role\n" in cli(*arguments, backend=scripted()).err
    every = cli("teardown", "--yes", "-v", backend=scripted())
    assert "nothing of the stack is left (0 VPCs, 0 subnets)" in every.out


def test_provision_of_what_is_there_says_no_changes(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    same = samples.report(Outcome("vpc", Status.UNCHANGED))
    result = cli("provision", backend=scripted(report_is=same))
    assert result.out == "stack digits (us-west-2, local world): no changes: 1 resource as wanted, in 34 s\n"


def test_a_failed_provision_exits_1_with_reason_cure_and_what_was_skipped(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    result = cli("provision", backend=scripted(report_is=samples.bad))
    assert result.code == 1
    assert result.out == "stack digits (us-west-2, local world): 1 failed, 1 skipped, in 34 s\n"
    assert result.err.splitlines()[-3:] == [
        "error: cluster: no room",
        "  hint: make room",
        "once mended, go on with: eksprov provision",
    ]


def test_an_interrupted_provision_exits_130_with_the_command_that_resumes_it(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    cut = samples.report(Outcome("cluster", Status.INTERRUPTED, message="stopped while waiting"))
    result = cli("provision", backend=scripted(report_is=cut, stopped=True))
    assert result.code == 130
    assert result.err.endswith("resume with: eksprov provision\n")


def test_provision_on_the_paid_side_shows_its_plan_and_asks(cli: CommandLine, scripted: type[Scripted]) -> None:
    backend = scripted(paid=True)
    result = cli("provision", backend=backend, typed=["yes"])
    assert result.code == 0
    assert backend.asked == ["plan", "forget", "provision"]
    assert "+ create   vpc" in result.err


@pytest.mark.parametrize("typed", [["no"], ["y"], [""]])
def test_provision_that_is_not_confirmed_does_nothing(
    cli: CommandLine, scripted: type[Scripted], typed: list[str]
) -> None:
    backend = scripted(paid=True)
    result = cli("provision", backend=backend, typed=typed)
    assert (result.code, result.out) == (2, "")
    assert backend.asked == ["plan"]
    assert "nothing was changed" in result.err


@pytest.mark.parametrize("command", ["provision", "teardown"])
def test_without_a_terminal_and_without_yes_nothing_is_done(
    cli: CommandLine, scripted: type[Scripted], command: str
) -> None:
    backend = scripted(paid=True)
    result = cli(command, backend=backend)
    assert (result.code, result.out, backend.asked) == (2, "", [])
    assert "--yes" in result.err


def test_provision_with_yes_asks_nothing_but_shows_the_plan(cli: CommandLine, scripted: type[Scripted]) -> None:
    backend = scripted(paid=True)
    assert cli("provision", "--yes", backend=backend).code == 0
    assert backend.asked == ["plan", "provision"]


def test_provision_in_json_keeps_stdout_for_the_json(cli: CommandLine, scripted: type[Scripted]) -> None:
    body = json.loads(cli("provision", "--json", backend=scripted()).out)
    assert body["ok"] is True
    assert body["counts"] == {"unchanged": 1, "created": 1}
    assert [step["name"] for step in body["steps"]] == ["vpc", "role"]


def test_teardown_says_beforehand_what_goes_and_afterwards_what_it_counted(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    gone = samples.report(Outcome("vpc", Status.DELETED))
    result = cli("teardown", backend=scripted(report_is=gone), typed=["digits"])
    assert result.code == 0
    assert result.out.splitlines() == [
        "stack digits (us-west-2, local world): 1 deleted, in 34 s",
        "read the account again: nothing of the stack is left (2 kinds counted)",
    ]
    assert "this deletes 1 VPC, 4 subnets\n" in result.err
    assert "models in the bucket, images in the repository" in result.err


def test_teardown_names_each_thing_of_controllers_and_what_is_kept_and_why(
    cli: CommandLine, scripted: type[Scripted]
) -> None:
    balancer = Piece("load balancer", "arn:lb", "k8s-web")
    kept = Piece("volume", "vol-1", "8 GiB, cache", stays="its reclaim policy is Retain")
    backend = scripted(swept=(balancer,), kept=(kept,))
    result = cli("teardown", "--yes", backend=backend)
    line = "kept: volume vol-1 (8 GiB, cache): its reclaim policy is Retain"
    assert (result.code, backend.delete_retained) == (0, False)
    assert "  load balancer arn:lb (k8s-web)" in result.err
    assert (line in result.err, line in result.out, "--delete-retained" in result.out) == (True, True, True)
    body = json.loads(cli("teardown", "--yes", "--json", backend=scripted(kept=(kept,))).out)
    assert body["kept"] == [{"kind": "volume", "identity": "vol-1", "text": "8 GiB, cache", "why": kept.stays}]
    assert (body["ok"], body["foreseen"]) == (True, {"vpc": 1, "subnet": 4})
    every = cli("teardown", "--yes", "--delete-retained", backend=(all_of_it := scripted(kept=(kept,))))
    assert (all_of_it.delete_retained, "kept" in every.out) == (True, False)


def test_teardown_wants_the_name_typed_exactly(cli: CommandLine, scripted: type[Scripted]) -> None:
    backend = scripted()
    result = cli("teardown", backend=backend, typed=["digit"])
    assert (result.code, backend.asked) == (2, ["removal"])


def test_teardown_names_what_is_left_and_why_and_exits_1(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    stuck = samples.report(Outcome("vpc", Status.FAILED, message="vpc: held by eni-1", hint="remove eni-1"))
    result = cli("teardown", "--yes", backend=scripted(report_is=stuck, left=(samples.resource,)))
    assert result.code == 1
    assert result.out.splitlines()[1:] == [
        "read the account again: 1 resource left (2 kinds counted):",
        "  VPC vpc-1: vpc: held by eni-1",
    ]


def test_yes_if_local_answers_for_the_local_world_alone(cli: CommandLine, scripted: type[Scripted]) -> None:
    assert cli("teardown", "--yes-if-local", backend=scripted()).code == 0
    paid = scripted(paid=True)
    assert cli("teardown", "--yes-if-local", backend=paid).code == 2
    assert paid.asked == []


def test_down_if_empty_ends_the_local_world_only_after_a_clean_teardown(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    clean = scripted()
    assert "local world has ended" in cli("teardown", "--yes", "--down-if-empty", backend=clean).err
    assert clean.asked[-1] == "release"
    left = scripted(left=(samples.resource,))
    cli("teardown", "--yes", "--down-if-empty", backend=left)
    assert "release" not in left.asked


def test_teardown_in_json_counts_by_kind(cli: CommandLine, scripted: type[Scripted], samples: Samples) -> None:
    body = json.loads(cli("teardown", "--yes", "--json", backend=scripted(left=(samples.resource,))).out)
    assert body["ok"] is False
    assert body["counted"] == {"vpc": 1, "subnet": 0}
    assert body["left"][0]["identity"] == "vpc-1"


def test_colours_need_a_terminal_and_no_no_color(cli: CommandLine, scripted: type[Scripted]) -> None:
    for environ in ({}, {"NO_COLOR": "1"}):
        result = cli("plan", backend=scripted(), environ=environ)
        assert "\x1b" not in result.out + result.err


def test_validate_lists_everything(cli: CommandLine) -> None:
    Path("eksprov.yaml").write_text("name: 7\nnode_groups: {}\nzzz: 1\n")
    result = cli("validate")
    assert result.code == 2
    assert result.err.count("error: eksprov.yaml:") == 3
    body = json.loads(cli("validate", "--json").out)
    assert (body["valid"], len(body["problems"])) == (False, 3)


def test_validate_looks_into_models_that_are_there(cli: CommandLine, samples: Samples) -> None:
    Path("eksprov.yaml").write_text(f"{samples.config}models:\n  - name: digits\n    path: m\n")
    before = cli("validate")
    assert (before.code, "models[digits]" in before.err) == (0, False)  # not trained yet
    Path("m").mkdir()
    Path("m/model.joblib").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 5\n")
    result = cli("validate")
    assert (result.code, "models[digits]: m/model.joblib is a Git LFS pointer" in result.err) == (0, True)
    found = json.loads(cli("validate", "--json").out)["problems"]
    (problem,) = (one for one in found if one["path"] == "models[digits]")
    assert (problem["level"], problem["hint"][:14]) == ("warning", "`git lfs pull`")


def test_outputs_of_nothing_name_the_cure(cli: CommandLine, samples: Samples) -> None:
    Path("eksprov.yaml").write_text(samples.config)
    result = cli("outputs")
    assert result.code == 4
    assert "make it with `eksprov provision`" in result.err
