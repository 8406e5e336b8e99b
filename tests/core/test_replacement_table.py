"""What the docs say of replacement is what the kinds say; and every kind says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eksprov.core.replacement import NOTHING_FORCES_IT, forcing
from eksprov.core.step import Outputs
from eksprov.operations.commands.replacements import ANY_SLUG, Kind, table
from eksprov.operations.kinds import KINDS

DOCS = Path(__file__).parents[2] / "docs" / "replacement.md"


def test_the_table_in_the_docs_is_what_the_kinds_say() -> None:
    assert DOCS.read_text("utf-8") == table().rstrip("\n") + "\n", (
        "make it anew: python -m eksprov.operations.commands.replacements > docs/replacement.md"
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_with_fields_that_cannot_change_says_how_it_is_made_again(kind: Kind) -> None:
    step = kind.from_record(kind.kind, ANY_SLUG)
    assert bool(forcing(step.desired(Outputs()))) is (step.replacement != NOTHING_FORCES_IT)
