"""Laws over the whole catalog: twice is once, what was made can be unmade, the state may be lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from support.stage import MODEL, STACK_ID, Stage, Theatre

from eksprov.aws.tags import STACK, STEP
from eksprov.aws.tags import STACK_ID as STACK_ID_TAG
from eksprov.core.names import is_models
from eksprov.core.outcome import Status
from eksprov.operations.commands.provision import provision
from eksprov.operations.rebuilding import rebuilt
from eksprov.operations.stack import open_stack

READS_LIMIT = 40  # of a run that changes nothing, for the quick-start stack
MUTATING_LIMIT = 55  # of the run that makes it
CALLS_LIMIT = 140  # when all is done by the second reading: what polling adds depends on how long AWS takes
CREATES = ("Create", "Allocate")
# Calls whose thing has no tags of its own: it belongs to a tagged one.
UNTAGGED = frozenset({"CreateRoute"})


def test_making_it_takes_few_calls_and_every_step_is_created(stage: Stage) -> None:
    opened = stage.opened()
    without_models = tuple(step for step in opened.steps if not is_models(step.name))
    stage.tape.rewind()
    report = provision(replace(opened, steps=without_models))
    told = sum(not step.traits.silent for step in without_models)
    assert Counter(outcome.status for outcome in report.outcomes) == {Status.CREATED: told}
    assert len(stage.tape.mutating) <= MUTATING_LIMIT, [call.operation for call in stage.tape.mutating]
    assert len(stage.tape.calls) <= CALLS_LIMIT


def test_twice_is_once(stage: Stage) -> None:
    stage.provision()
    before, saves = stage.world(), stage.store.saves
    report = stage.provision()
    assert {outcome.status for outcome in report.outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    of_the_model = sum(MODEL in str(call.params) for call in stage.tape.reads)  # which `provision` itself never makes
    reads = Counter(call.operation for call in stage.tape.reads)
    assert reads.total() - of_the_model <= READS_LIMIT, reads
    assert stage.world() == before
    assert stage.store.saves == saves


def test_nothing_changes_when_the_state_is_lost(stage: Stage) -> None:
    """The tags bring back the stack id, and everything is found."""
    stage.provision()
    before = stage.world()
    stage.store.forget()
    report = stage.provision()
    assert {outcome.status for outcome in report.outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    assert stage.world() == before
    assert report.state.stack_id == STACK_ID


def test_a_provision_that_has_lost_its_state_does_not_forget_the_models(stage: Stage) -> None:
    """It touches none of them; but the next undeploy-model must know what is theirs."""
    stage.provision()
    recorded = stage.store.load()
    stage.store.forget()
    stage.tape.rewind()
    opened = stage.opened()
    report = provision(replace(opened, steps=tuple(step for step in opened.steps if not is_models(step.name))))
    assert recorded is not None
    assert report.state.steps.keys() == recorded.steps.keys()
    assert [name for name in report.state.steps if is_models(name)]
    assert stage.tape.mutating == []


def test_what_the_tags_tell_is_what_was_recorded(stage: Stage) -> None:
    """For commands that touch a part of the stack: they record all of it, and read only."""
    stage.provision()
    recorded = stage.store.load()
    assert recorded is not None
    stage.store.forget()
    stage.tape.rewind()
    found = rebuilt(stage.opened(mint=False)).state
    assert {name: replace(record, changed_at="", attempts=0) for name, record in found.steps.items()} == {
        name: replace(record, changed_at="", attempts=0) for name, record in recorded.steps.items()
    }
    assert stage.tape.mutating == []


def test_records_bear_the_time_that_the_stack_was_given(stage: Stage) -> None:
    """And no other: the simulator's runs would differ by the second in which they are played."""
    then = replace(stage.process(), utc=lambda: "then")
    report = provision(open_stack(then, mint=True))
    assert {record.changed_at for record in report.state.steps.values()} == {"then"}
    stage.store.forget()
    found = rebuilt(open_stack(then, mint=False)).state
    assert {record.changed_at for record in found.steps.values()} == {"then"}


def test_it_is_reversible_and_a_second_time_there_is_nothing_to_do(stage: Stage) -> None:
    stage.provision()
    result = stage.teardown()
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == stage.baseline
    again = stage.teardown()
    assert {outcome.status for outcome in again.report.outcomes} == {Status.ABSENT}
    assert stage.tape.mutating == []
    assert stage.world() == stage.baseline


def test_it_is_reversible_without_its_state(stage: Stage) -> None:
    stage.provision()
    stage.store.forget()
    result = stage.teardown()
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == stage.baseline


def test_it_can_be_made_again_after_it_was_unmade(stage: Stage) -> None:
    """No token of the first incarnation is replayed: AWS would answer with what is dead."""
    stage.provision()
    first = stage.world()
    stage.teardown()
    report = stage.provision()
    assert {outcome.status for outcome in report.outcomes} == {Status.CREATED}
    assert report.state.stack_id != STACK_ID
    again = {k: [item.replace(report.state.stack_id, STACK_ID) for item in items] for k, items in stage.world().items()}
    assert again == first


def test_tags_are_in_the_create_call_itself(stage: Stage) -> None:
    """Whatever is cut off right after a create is found by its tags."""
    report = stage.provision()
    creates = [call for call in stage.tape.mutating if call.operation.startswith(CREATES)]
    found: list[str] = []
    for call in (call for call in creates if call.operation not in UNTAGGED):
        tags = _tags(call.params)
        assert (tags.get(STACK), tags.get(STACK_ID_TAG)) == (stage.config.name, STACK_ID), call
        found.append(tags.get(STEP, ""))
    assert sorted(found) == sorted(outcome.name for outcome in report.outcomes)


def test_a_new_role_may_be_slow_to_be_seen(theatre: Theatre) -> None:
    """EKS refuses a role that IAM has only just made, with a code that means many things."""
    with theatre.stage() as stage:
        stage.provision()
        prompt, swift = stage.world(), [call.operation for call in stage.tape.mutating]
    with theatre.stage(role_lag=True, speed=1.0) as slow:
        report = slow.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        assert slow.world() == prompt
        refused = Counter(call.operation for call in slow.tape.mutating) - Counter(swift)
        assert "CreateCluster" in refused


def _tags(params: dict[str, object]) -> dict[str, str]:
    """The tags of a create call, in each service's own shape."""
    specifications = params.get("TagSpecifications")
    tags = specifications[0]["Tags"] if isinstance(specifications, list) else None
    configuration = params.get("CreateBucketConfiguration")
    if isinstance(configuration, dict):
        tags = configuration.get("Tags")
    tags = tags or params.get("Tags") or params.get("tags") or {}
    if isinstance(tags, dict):
        return tags
    assert isinstance(tags, list)
    return {tag["Key"]: tag["Value"] for tag in tags}


@pytest.mark.parametrize("zones", [3])
def test_the_laws_hold_for_a_larger_stack(theatre: Theatre, zones: int) -> None:
    from support.stage import quick_start

    data = quick_start().model_dump()
    data["network"] |= {"availability_zones": zones, "nat_gateways": "per_zone"}
    data["tags"] = {"team": "ml"}
    config = type(quick_start()).model_validate(data)
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
        assert stage.teardown().ok
        assert stage.world() == stage.baseline


def test_an_add_on_that_is_known_by_its_tags_alone_goes_after_the_models(theatre: Theatre) -> None:
    """It outlives them, and stands after their roles in the order of kinds: no circle."""
    from support.configs import changed
    from support.stage import quick_start

    with theatre.stage(quick_start()) as stage:
        assert stage.provision(changed(stage.config, addons=[{"name": "aws-ebs-csi-driver"}])).ok
        stage.store.forget()
        assert stage.teardown(stage.config).ok
        assert stage.world() == stage.baseline
