"""A command line at hand: `main` in this process; session, operations, terminal and environment are the test's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from support.command_line import (
    BAD,
    CHANGES,
    CONFIG,
    GOOD,
    NO_CHANGES,
    PLAN,
    CommandLine,
    Scripted,
    report,
)

from eksprov import errors
from eksprov.core.step import FoundResource, Owner


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
def samples() -> SimpleNamespace:
    """Plans, reports and a found resource to render."""
    resource = FoundResource("vpc", "digits", "vpc-1", Owner("digits", "1", "vpc"))
    return SimpleNamespace(
        config=CONFIG,
        plan=PLAN,
        changes=CHANGES,
        no_changes=NO_CHANGES,
        good=GOOD,
        bad=BAD,
        report=report,
        resource=resource,
        errors=errors,
    )
