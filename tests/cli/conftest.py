"""A command line at hand: `main` in this process; session, operations, terminal and environment are the test's."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine, Samples, Scripted


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A command line in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path, capsys)


@pytest.fixture
def scripted() -> type[Scripted]:
    """The backend class, for tests to fill in."""
    return Scripted


@pytest.fixture
def samples() -> Samples:
    """Plans, reports and a found resource to render."""
    return Samples()
