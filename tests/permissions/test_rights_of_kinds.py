"""Each kind of AWS says itself what its operator must be allowed; what gathers that knows no kind."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from eksprov import permissions
from eksprov.aws.rights import Governed
from eksprov.controllers import KINDS as KINDS_OF_KUBERNETES
from eksprov.errors import EksprovError
from eksprov.operations.kinds import KINDS as EVERY_KIND
from eksprov.permissions import needs, place_of

KINDS = tuple(kind for kind in EVERY_KIND if kind.world == "aws")


def test_every_kind_has_said_what_it_needs() -> None:
    missing = [kind.kind for kind in KINDS if not issubclass(kind, Governed)]
    assert not missing, f"give each `rights`: {missing}"


def test_what_gathers_the_rights_names_no_kind() -> None:
    """So that a new kind is told in its own file alone."""
    texts = [path.read_text() for path in (Path(permissions.__file__).parent).glob("*.py")]
    words = {node.value for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    others = {"launch-template", "security-group", "kms-key"}  # EC2's types of leftovers, a look-up of the config's
    assert not words & ({kind.kind for kind in EVERY_KIND} - others)


def test_a_kind_that_said_nothing_is_an_error_that_says_what_to_do() -> None:
    silent = KINDS_OF_KUBERNETES[0]
    with pytest.raises(EksprovError, match=silent.kind) as refused:
        needs(place_of("demo", "us-west-2", "123456789012", "aws", ()), ("teardown",), (silent,))
    assert "rights" in refused.value.hint
