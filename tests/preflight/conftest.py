"""One theatre; a stage (an empty account) for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.stage import Stage, Theatre


@pytest.fixture(scope="session")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage() as stage:
        yield stage
