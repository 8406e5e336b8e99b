"""A fresh emulated account for each test of a kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from support.account import Account
from support.bench import Bench
from support.stage import Theatre
from support.team import Team, team_of


@pytest.fixture(scope="session")
def _account() -> Account:
    return Account()


@pytest.fixture
def account(_account: Account) -> Iterator[Account]:
    with mock_aws():
        _account.tape.rewind()
        yield _account


@pytest.fixture(scope="session")
def theatre() -> Theatre:
    """Clients are made once."""
    return Theatre()


@pytest.fixture
def bench(theatre: Theatre) -> Iterator[Bench]:
    """The stack's own steps on a new account."""
    with theatre.stage() as stage:
        yield Bench(stage)


@pytest.fixture
def team(theatre: Theatre, tmp_path: Path) -> Iterator[Team]:
    """An account in which a team has a VPC."""
    with team_of(theatre, tmp_path) as team:
        yield team
