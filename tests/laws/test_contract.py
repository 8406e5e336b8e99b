"""Each kind has the calls that come for it, and no others; what the contract gives in their place does nothing."""

from __future__ import annotations

from dataclasses import fields

import pytest

from eksprov.core.convergence.alternatives import Alternatives
from eksprov.core.convergence.converge import Piecewise
from eksprov.core.convergence.external import External, Part
from eksprov.core.replacement import Order
from eksprov.core.step import Outputs, Step
from eksprov.operations.commands.replacements import ANY_SLUG, Kind
from eksprov.operations.kinds import KINDS
from eksprov.serving.endpoint import ModelEndpoint
from eksprov.steps.cluster.nodes_on_demand import NodesOnDemand
from eksprov.steps.leftovers.leftovers import Leftovers

EVERY = (*KINDS, Leftovers, NodesOnDemand)
CALLS = ("create", "update", "delete")


def own(kind: Kind) -> set[str]:
    """The calls that a kind has of its own."""
    return {call for call in CALLS if getattr(kind, call) is not getattr(Step, call)}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.kind)
def test_a_kind_has_the_calls_that_come_for_it(kind: Kind) -> None:
    if issubclass(kind, External):
        assert own(kind) == set()
    elif issubclass(kind, Piecewise):
        assert own(kind) == {"delete"}
    elif issubclass(kind, Part):
        assert "delete" not in own(kind)
        assert own(kind)
    else:
        assert {"create", "delete"} <= own(kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not issubclass(kind, External)], ids=lambda kind: kind.kind)
def test_what_changes_in_place_can_be_changed_and_nothing_else(kind: Kind) -> None:
    if issubclass(kind, ModelEndpoint):
        return  # it differs only while it is in motion: nobody can send what makes a model answer
    wanted = kind.from_record(kind.kind, ANY_SLUG).desired(Outputs())
    in_place = [f.name for f in fields(wanted) if f.compare and not f.metadata.get("replace")]
    assert bool(in_place) is ("update" in own(kind))


def test_only_what_may_be_had_in_several_ways_is_made_beside_the_one_that_it_replaces() -> None:
    order = {kind.kind: kind.from_record(kind.kind, ANY_SLUG).replacement.order for kind in KINDS}
    several = {kind.kind for kind in KINDS if issubclass(kind, Alternatives)}
    assert {kind for kind, how in order.items() if how is Order.CREATE_FIRST} <= several
