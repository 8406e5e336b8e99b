"""`eksprov local` and `target: local` over a real local world, with Kubernetes left out."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.command_line import CommandLine, Samples

from eksprov.local import world
from eksprov.local.worlds import every

pytestmark = pytest.mark.real_time


@pytest.fixture
def environ(cli: CommandLine, samples: Samples) -> Iterator[dict[str, str]]:
    Path("eksprov.yaml").write_text(samples.config)
    home = cli.folder / "home"
    found = {"PATH": os.environ["PATH"], "EKSPROV_LOCAL_HOME": str(home), "EKSPROV_LOCAL_NO_KUBERNETES": "1"}
    yield found
    world.down(cli.folder / "state", found)


def runs(pid: int) -> bool:
    """Whether the process lives; one that only nobody has buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_local_world_is_started_looked_at_and_ended(cli: CommandLine, environ: dict[str, str]) -> None:
    nothing = cli("local", "status", "--json", environ=environ)
    assert (nothing.code, json.loads(nothing.out)["running"]) == (4, False)
    asked_too_early = cli("local", "env", environ=environ)
    assert (asked_too_early.code, asked_too_early.out) == (4, "")
    assert asked_too_early.err.endswith("hint: start it with `eksprov local up`\n")

    up = cli("local", "up", environ=environ)
    assert up.code == 0, up.err
    assert up.err.endswith("next: eksprov provision\n")
    status = json.loads(cli("local", "status", "--json", environ=environ).out)
    assert status["aws_endpoint_url"] in up.out
    assert runs(status["pid"])
    assert status["clusters"] == []

    listed = json.loads(cli("local", "list", "--json", environ=environ).out)["worlds"]
    (mine,) = [one for one in listed if one["pid"] == status["pid"]]
    assert (mine["state_folder"], mine["stacks"], mine["kept"]) == (str((cli.folder / "state").absolute()), [], True)
    assert f"pid {status['pid']}" in cli("local", "list", environ=environ).out

    lines = cli("local", "env", "--region", "eu-west-1", environ=environ).out.splitlines()
    assert lines[:2] == ["unset AWS_PROFILE", "unset AWS_SESSION_TOKEN"]
    exported = dict(shlex.split(line)[1].split("=", 1) for line in lines[2:])
    assert exported == json.loads(cli("local", "env", "--json", "--region", "eu-west-1", environ=environ).out)
    assert (exported["AWS_ENDPOINT_URL"], exported["AWS_REGION"]) == (status["aws_endpoint_url"], "eu-west-1")

    assert cli("local", "down", environ=environ).out.startswith("ended: local world")
    assert not runs(status["pid"])
    assert cli("local", "down", environ=environ).out == "no local world was running\n"


def test_a_world_with_a_cluster_in_it_is_ended_only_when_that_is_confirmed(
    cli: CommandLine, environ: dict[str, str]
) -> None:
    made = cli("provision", environ=environ)
    assert made.code == 0, made.err
    refused = cli("local", "down", environ=environ)
    assert (refused.code, refused.out, "--yes" in refused.err) == (2, "", True)
    assert cli("local", "down", environ=environ, typed=["no"]).code == 2
    assert cli("local", "status", environ=environ).code == 0
    assert cli("local", "down", environ=environ, typed=["yes"]).out.startswith("ended: local world")


def test_reading_starts_the_aws_side_and_writes_nothing(cli: CommandLine, environ: dict[str, str]) -> None:
    plan = cli("plan", "--check", environ=environ)
    assert plan.code == 3, plan.err
    assert plan.out.startswith("stack digits (us-west-2, local world), compared with the world:\n")
    assert world.find(cli.folder / "state", environ) is not None
    (mine,) = [one for one in every() if one.state == str((cli.folder / "state").absolute())]
    assert (mine.kept, mine.ends_in_s is not None) == (False, True)  # it ends by itself
    calls = world.calls(cli.folder / "state", environ)
    assert not [name for name in json.dumps(calls).split('"') if name.startswith(("Create", "Put", "Delete"))]
    assert not list((cli.folder / "state").glob("*.json")) if (cli.folder / "state").exists() else True


def test_the_local_world_ends_with_its_last_stack_and_not_before(cli: CommandLine, environ: dict[str, str]) -> None:
    cli("local", "up", environ=environ)
    state = cli.folder / "state"
    state.mkdir(exist_ok=True)
    (state / "other.json").write_text("{}")
    kept = cli("teardown", "--yes-if-local", "--down-if-empty", environ=environ)
    assert kept.code == 0, kept.err
    assert world.find(state, environ) is not None
    (state / "other.json").unlink()
    ended = cli("teardown", "--yes-if-local", "--down-if-empty", environ=environ)
    assert "the local world has ended" in ended.err
    assert world.find(state, environ) is None
