"""Little is said of what did not change, ids are cut to a terminal, and what is piped, JSON or asked for is whole."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.command_line import CommandLine

from eksprov.cli.commands.status import _text
from eksprov.cli.display.progress import Display
from eksprov.cli.render.text import fitted, outcome_text, table
from eksprov.core.outcome import Outcome, Status
from eksprov.kube.kubeconfig import Entry, write_entry
from eksprov.operations.commands.status import StepStatus
from eksprov.state.codec import encode
from eksprov.state.record import Record, State

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:eks:us-west-2:123456789012:addon/quickstart/coredns/7b7e4898-05c0-454b-81f9-143b302e66ca"
CONFIG = "name: digits\nnode_groups: [{name: workers, instance_types: [m7i.large]}]\n"


@given(text=st.text(alphabet="abc:/", max_size=120), room=st.integers(0, 100))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, room: int) -> None:
    for one in (text, f"arn:{text}"):
        found = fitted(one, room)
        assert len(found) <= room
        assert found == one or len(one) > room
        if found not in ("", one):
            assert (found[1:] if one.startswith("arn:") else found[:-1]) in one


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("status", Status)
def test_a_steps_line_fits_its_terminal_unless_it_is_an_error(columns: int, status: Status) -> None:
    step = Outcome("addon/coredns", status, outputs={"arn": ARN}, message="m" * 150, seconds=2.3)
    line = click.unstyle(outcome_text(step, 13, columns))
    if step.good:
        assert len(line) <= columns
        assert outcome_text(step, 13).endswith(ARN)  # elsewhere it is whole
    else:
        assert line.endswith("m" * 150)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_table_is_as_wide_as_the_terminal(columns: int) -> None:
    rows = [("a" * 60, "b", ARN), ("c", "d" * 30, "")]
    assert max(map(len, table(rows, ("x", "y", "z"), columns).splitlines()[1:])) <= columns
    assert ARN in table(rows, ("x", "y", "z"))


def test_nothing_is_said_of_a_step_that_did_not_change() -> None:
    for every in (False, True):
        lines: list[str] = []
        display = Display(lines.append, lambda: 0.0, every=every)
        for status in Status:
            display.finished(Outcome("x", status))
        said = {click.unstyle(line).split()[0] for line in lines}
        assert said == {status.value for status in Status} - (set() if every else {"unchanged", "absent"})


def test_status_names_what_was_asked_and_what_is_not_well() -> None:
    steps = (
        StepStatus("vpc", "vpc", "v", "ready", "2026-11-30T20:00:00Z", ""),
        StepStatus("subnet/1", "subnet", "s", "failed", "2026-11-30T20:00:00Z", "no room"),
        StepStatus("cluster", "cluster", "c", "ready", "2026-11-30T20:00:00Z", "", "ready"),
    )
    short = _text("s", "here", steps, 0, every=False)
    assert "vpc" not in short
    assert "no room" in short
    assert short.endswith("1 more step recorded as ready; -v lists them")
    assert "vpc" in _text("s", "here", steps, 0, every=True)
    well = _text("s", "here", steps[::2], 0, every=False)
    assert "error" not in well  # no empty column


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    (tmp_path / "eksprov.yaml").write_text(CONFIG)
    (tmp_path / "state").mkdir()
    known = {"name": "digits", "endpoint": "https://x.eks", "version": "1.36", "arn": ARN}
    records = {name: Record(kind, name, status="ready", outputs=known) for name, kind in (("cluster", "cluster"),)}
    state = State("digits", stack_id="00ff", account="123456789012", region="us-west-2", serial=1, steps=records)
    (tmp_path / "state" / "digits.json").write_bytes(encode(state))
    return tmp_path


def on_a_terminal(folder: Path, columns: int, *arguments: str) -> list[str]:
    """The lines that a terminal of that width is sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    call = [sys.executable, "-m", "eksprov", *arguments]
    process = subprocess.Popen(call, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return said.decode().split("\r\n")


def test_outputs_cut_arns_to_a_terminal_and_nowhere_else(recorded: Path, cli: CommandLine) -> None:
    cut = on_a_terminal(recorded, 60, "outputs")
    [line] = [line for line in cut if line.startswith("  cluster:")]
    assert len(line) == 60
    assert ARN.endswith(line.partition("…")[2])
    assert any(ARN in line for line in on_a_terminal(recorded, 60, "outputs", "-v"))
    assert ARN in cli("outputs").out


def test_outputs_name_a_kubeconfig_only_once_it_leads_to_this_cluster(recorded: Path, cli: CommandLine) -> None:

    path = recorded / ".kube" / "config"

    def known() -> tuple[Any, str]:
        return json.loads(cli("outputs", "--json").out)["kubeconfig"], cli("outputs").out

    for server in (None, "https://another.eks"):
        if server is not None:
            write_entry(path, Entry("eksprov-digits", server, "", "digits", "us-west-2", "/python"))
        found, said = known()
        assert found is None
        assert f"no entry in {path} yet; `eksprov kubeconfig` writes it\n" in said
    write_entry(path, Entry("eksprov-digits", "https://x.eks", "", "digits", "us-west-2", "/python"))
    found, said = known()
    assert found == str(path)
    assert f"kubeconfig:          {path}\n" in said
