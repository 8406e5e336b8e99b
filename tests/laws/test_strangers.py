"""What is not this stack's is refused and left alone, also under our names, on provision and on teardown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cases import CASES
from support.account import run_of
from support.kind_case import Made
from support.stage import Stage, Theatre

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.convergence.external import Part
from eksprov.core.outcome import Status
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.state.record import State
from eksprov.steps.identity.iam_role import trust_document

OURS = Owner("quickstart", "0ther1ncarnat10n")
# The others are told by tags alone, or have no tags of ours; or their own tests bring the stranger.
NAMED = sorted(case.name for case in CASES.values() if not isinstance(case.untag, str))


@dataclass
class Standing(Made):
    """With the stage that the stack stands on."""

    stage: Stage


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Standing]:
    with theatre.stage() as stage:
        report = stage.provision()
        assert report.ok
        outputs, steps = Outputs({outcome.name: outcome.outputs for outcome in report.outcomes}), stage.opened().steps
        yield Standing(steps, outputs, stage.account.plain, lambda: stage.aws(Owner("quickstart", "")), stage)


def refused(step: AnyStep, aws: Aws, outputs: Outputs) -> None:
    with pytest.raises(errors.OwnershipError, match="not this stack's"):
        converge(step, outputs, run_of(aws))
    with pytest.raises(errors.OwnershipError, match="not this stack's"):
        remove(step, run_of(aws))


def test_neighbours_are_not_touched(stage: Stage) -> None:
    """Another stack, and things that nobody tagged, stand beside ours through its whole life."""
    ec2 = stage.account.plain("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    ec2.create_internet_gateway()
    ec2.allocate_address(Domain="vpc")
    trust = trust_document("ec2.amazonaws.com", ["sts:AssumeRole"])
    stage.account.plain("iam").create_role(RoleName="quickstart-us-west-2-other", AssumeRolePolicyDocument=trust)
    stage.account.plain("s3").create_bucket(
        Bucket="quickstart-models", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    stage.account.plain("logs").create_log_group(logGroupName="/aws/eks/quickstart-2/cluster")
    before = stage.world()
    assert stage.provision().ok
    assert stage.teardown().ok
    assert stage.world() == before


@pytest.mark.apart
def test_a_resource_of_another_incarnation_is_refused_and_untouched(made: Standing) -> None:
    """A stack of the same name that somebody else made from another machine: every step, every kind."""
    stage, outputs, steps = made.stage, made.outputs, made.stage.opened().steps
    before = stage.world()
    stage.tape.rewind()
    for step in (step for step in steps if not isinstance(step, Part)):
        refused(step, stage.aws(OURS), outputs)
    assert stage.tape.mutating == []
    assert stage.world() == before


@pytest.mark.apart
@pytest.mark.parametrize("kind", NAMED)
def test_an_untagged_resource_under_our_name_is_refused_and_untouched(made: Standing, kind: str) -> None:
    """Kinds that EC2 gives no name are found by tags alone: without them they are not under our name at all."""
    stage, outputs, opened = made.stage, made.outputs, made.stage.opened()
    step, untag = next(step for step in opened.steps if step.kind == kind), CASES[kind].untag
    assert callable(untag)
    untag(made, step)
    before = stage.world()
    stage.tape.rewind()
    refused(step, stage.aws(opened.us), outputs)
    assert stage.tape.mutating == []
    assert stage.world() == before


@pytest.mark.apart
def test_a_whole_stack_of_our_name_is_left_alone_by_every_command(made: Standing) -> None:
    stage = made.stage
    before = stage.world()
    ours = State(stack=OURS.stack, stack_id=OURS.stack_id, account="123456789012", region="us-west-2")
    stage.store.save(ours)
    report = stage.provision()
    assert {outcome.status for outcome in report.outcomes} == {Status.FAILED, Status.SKIPPED}
    assert stage.tape.mutating == []
    result = stage.teardown()
    assert not result.ok
    assert stage.tape.mutating == []
    assert stage.world() == before
