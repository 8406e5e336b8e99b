"""What is not this stack's is refused and left alone, also under our names, on provision and on teardown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.account import run_of
from support.stage import Stage, Theatre

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.converge import converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.state.record import State
from eksprov.steps import KINDS
from eksprov.steps.iam_role import trust_document

OURS = Owner("quickstart", "0ther1ncarnat10n")
TAGS = ["eksprov:region", "eksprov:stack", "eksprov:stack-id", "eksprov:step"]
# Kinds that EC2 and KMS give no name, and kinds of other stacks, whose own tests bring the stranger.
NOT_HERE = {
    "vpc", "subnet", "internet-gateway", "elastic-ip", "nat-gateway", "route-table", "vpc-endpoint", "security-group",
    "kms-key", "existing-vpc", "existing-subnet", "existing-role", "cluster-endpoint", "asg-tags", "placement-group",
    "alarm", "topic", "dashboard", "egress-only-internet-gateway", "queue", "event-rule", "service-linked-role",
    "node-access-entry",
}  # fmt: skip
NAMED = sorted({kind.kind for kind in KINDS} - NOT_HERE)


@dataclass
class Made:
    """A stack that stands, and what its steps know of each other."""

    stage: Stage
    outputs: Outputs


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Made]:
    with theatre.stage() as stage:
        report = stage.provision()
        assert report.ok
        yield Made(stage, Outputs({outcome.name: outcome.outputs for outcome in report.outcomes}))


def refused(step: AnyStep, aws: Aws, outputs: Outputs) -> None:
    with pytest.raises(errors.OwnershipError, match="not this stack's"):
        converge(step, aws, outputs, run_of(aws))
    with pytest.raises(errors.OwnershipError, match="not this stack's"):
        remove(step, aws, run_of(aws))


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
def test_a_resource_of_another_incarnation_is_refused_and_untouched(made: Made) -> None:
    """A stack of the same name that somebody else made from another machine: every step, every kind."""
    stage, outputs, steps = made.stage, made.outputs, made.stage.opened().steps
    before = stage.world()
    stage.tape.rewind()
    for step in (step for step in steps if not step.part):
        refused(step, stage.aws(OURS), outputs)
    assert stage.tape.mutating == []
    assert stage.world() == before


def untag_eks(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    have: Any = step.discover(stage.aws(Owner("quickstart", "")))
    arn = outputs.of(step.name).get("arn") or have.arn
    stage.account.plain("eks").untag_resource(resourceArn=arn, tagKeys=TAGS)


def untag_role(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    stage.account.plain("iam").untag_role(RoleName=step.slug, TagKeys=TAGS)


def untag_bucket(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    stage.account.plain("s3").delete_bucket_tagging(Bucket=step.slug)


def untag_repository(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    arn = outputs.of(step.name)["arn"]
    stage.account.plain("ecr").untag_resource(resourceArn=arn, tagKeys=TAGS)


def untag_log_group(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    """A group without any tag is EKS's leftover and may be adopted; a stranger's has tags of its own."""
    logs, arn = stage.account.plain("logs"), outputs.of(step.name)["arn"]
    logs.tag_resource(resourceArn=arn, tags={"team": "other"})
    logs.untag_resource(resourceArn=arn, tagKeys=TAGS)


def untag_template(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    tags: Any = [{"Key": key} for key in TAGS]
    stage.account.plain("ec2").delete_tags(Resources=[outputs.of(step.name)["id"]], Tags=tags)


def untag_placement_group(stage: Stage, step: AnyStep, outputs: Outputs) -> None:
    """The emulator keeps these groups itself."""
    group = stage.emulator.templates.groups["us-west-2", step.slug]
    group["Tags"] = [tag for tag in group["Tags"] if tag["Key"] not in TAGS]


UNTAG: dict[str, Callable[[Stage, AnyStep, Outputs], None]] = {
    "iam-role": untag_role,
    "bucket": untag_bucket,
    "repository": untag_repository,
    "log-group": untag_log_group,
    "cluster": untag_eks,
    "access-entry": untag_eks,
    "addon": untag_eks,
    "node-group": untag_eks,
    "launch-template": untag_template,
    "placement-group": untag_placement_group,
    "pod-identity-association": untag_eks,
}


@pytest.mark.apart
@pytest.mark.parametrize("kind", NAMED)
def test_an_untagged_resource_under_our_name_is_refused_and_untouched(made: Made, kind: str) -> None:
    """Kinds that EC2 gives no name are found by tags alone: without them they are not under our name at all."""
    stage, outputs, opened = made.stage, made.outputs, made.stage.opened()
    step = next(step for step in opened.steps if step.kind == kind)
    UNTAG[kind](stage, step, outputs)
    before = stage.world()
    stage.tape.rewind()
    refused(step, stage.aws(opened.us), outputs)
    assert stage.tape.mutating == []
    assert stage.world() == before


@pytest.mark.apart
def test_a_whole_stack_of_our_name_is_left_alone_by_every_command(made: Made) -> None:
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
