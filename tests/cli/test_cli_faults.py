"""Faults of the running local world, switched on by name: a run copes with them, or says what to do."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.command_line import CommandLine, Samples

from eksprov.local import world

OURS = {
    "describe_vpcs": "Vpcs",
    "describe_subnets": "Subnets",
    "describe_internet_gateways": "InternetGateways",
    "describe_route_tables": "RouteTables",
    "describe_nat_gateways": "NatGateways",
    "describe_addresses": "Addresses",
}
pytestmark = pytest.mark.real_time


@pytest.fixture
def environ(cli: CommandLine, samples: Samples) -> Iterator[dict[str, str]]:
    Path("eksprov.yaml").write_text(samples.config + "\nlocal:\n  speed: 1000\n")
    home = cli.folder / "home"
    found = {"PATH": os.environ["PATH"], "EKSPROV_LOCAL_HOME": str(home), "EKSPROV_LOCAL_NO_KUBERNETES": "1"}
    assert cli("local", "up", environ=found).code == 0
    yield found
    world.down(cli.folder / "state", found)


def test_faults_are_listed_switched_on_and_cleared(cli: CommandLine, environ: dict[str, str]) -> None:
    listed = json.loads(cli("local", "faults", "list", "--json", environ=environ).out)
    assert listed["on"] == []
    assert set(listed["known"]) >= {"lost-answers", "throttle", "stale-reads", "role-lag", "nodegroup-create-failed"}
    on = cli("local", "faults", "set", "throttle", "lost-answers", "--seed", "7", environ=environ)
    assert on.code == 0, on.err
    assert on.out.endswith("on: throttle, lost-answers (seed 7)\n")
    cleared = json.loads(cli("local", "faults", "clear", "--json", environ=environ).out)
    assert (cleared["on"], cleared["struck"]) == ([], [])


def test_a_fault_that_there_is_not_is_refused_by_naming_those_there_are(
    cli: CommandLine, environ: dict[str, str]
) -> None:
    for name, cure in (
        ("flood", "lost-answers"),
        ("throttle:High", "write throttle"),
        ("nodegroup-create-failed:", "CREATE_FAILED"),
        ("quota:L-00000000=1", "L-DB2E81BA Running On-Demand G"),
    ):
        refused = cli("local", "faults", "set", "role-lag", name, environ=environ)
        assert refused.code == 2
        assert name in refused.err
        assert cure in refused.err
    assert json.loads(cli("local", "faults", "list", "--json", environ=environ).out)["on"] == []


def test_faults_of_the_config_are_on_while_they_stand_there(
    cli: CommandLine, environ: dict[str, str], samples: Samples
) -> None:
    def local(*faults: str) -> None:
        Path("eksprov.yaml").write_text(f"{samples.config}\nlocal: {{speed: 1000, faults: {json.dumps(faults)}}}\n")

    def on() -> Any:
        return json.loads(cli("local", "faults", "list", "--json", environ=environ).out)["on_by_config"]

    local("quota:L-F678F1CE=0", "role-lag")
    assert on() == []  # looking switches nothing on
    stopped = cli("provision", "--yes", environ=environ)
    assert (stopped.code, stopped.out) == (1, "")
    assert "switched on in the local world: quota:L-F678F1CE=0, role-lag\n" in stopped.err
    assert "quota-vpc" in stopped.err
    assert on() == ["quota:L-F678F1CE=0", "role-lag"]
    assert "on by local.faults in the config: quota:" in cli("local", "faults", "clear", environ=environ).out
    local("quota:L-F678F1CE=0", "flod")
    refused = cli("provision", "--yes", environ=environ)
    assert (refused.code, refused.out) == (2, "")
    assert "local.faults[1]: no such fault: 'flod'" in refused.err
    local("quota:L-00000000=0")
    refused = cli("local", "up", environ=environ)
    assert (refused.code, refused.out) == (2, "")
    assert "local.faults: 'quota:L-00000000=0'" in refused.err
    local()
    assert "switched on" not in cli("local", "up", environ=environ).err
    assert on() == []


def test_faults_are_explained_without_a_world(cli: CommandLine, samples: Samples) -> None:
    Path("eksprov.yaml").write_text(samples.config)
    listed = cli("local", "faults", "list", environ={"EKSPROV_LOCAL_HOME": str(cli.folder / "none")})
    assert listed.code == 0, listed.err
    assert "no-capacity[:TYPE/ZONE/BUYING]" in listed.out
    assert listed.out.endswith("on: none\n")


def resources(env: dict[str, str]) -> Counter[str]:
    """The EC2 resources that carry our step tags, by step, read with plain boto3."""
    with_keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": env["AWS_REGION"]}
    ec2 = boto3.client("ec2", endpoint_url=env["AWS_ENDPOINT_URL"], **with_keys)  # type: ignore[call-overload]  # keys by name
    found_by_step: Counter[str] = Counter()
    for operation, key in OURS.items():
        for item in getattr(ec2, operation)()[key]:
            if item.get("State") != "deleted":
                found_by_step.update(tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "eksprov:step")
    return found_by_step


def test_lost_answers_double_nothing_and_are_made_good(cli: CommandLine, environ: dict[str, str]) -> None:
    where = json.loads(cli("local", "env", "--json", environ=environ).out)
    assert cli("local", "faults", "set", "lost-answers", "--seed", "3", environ=environ).code == 0
    codes: list[int] = []
    while not codes or (codes[-1] and len(codes) < 6):
        codes.append(cli("provision", "--yes", environ=environ).code)
        assert max(resources(where).values(), default=1) == 1
    assert codes[-1] == 0
    struck = json.loads(cli("local", "faults", "list", "--json", environ=environ).out)["struck"]
    assert len(struck) >= 3
    cli("local", "faults", "clear", environ=environ)
    assert cli("plan", "--check", environ=environ).code == 0
    torn = cli("teardown", "--yes", environ=environ)
    assert torn.code == 0, torn.err
    assert not resources(where)


def test_a_node_group_that_fails_on_purpose_is_told_with_its_code(cli: CommandLine, environ: dict[str, str]) -> None:
    name = "nodegroup-create-failed:InsufficientFreeAddresses"
    assert cli("local", "faults", "set", name, environ=environ).code == 0
    failed = cli("provision", "--yes", environ=environ)
    assert failed.code == 1
    assert "InsufficientFreeAddresses" in failed.err + failed.out
    assert cli("provision", "--yes", environ=environ).code == 0
