"""The control plane's log group: retention as in the config; EKS's own leftover is adopted, a stranger's is not."""

from __future__ import annotations

import pytest
from support.bench import Bench

from eksprov.aws.faults import tolerating
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.monitoring.log_group import LogGroup


def group_of(bench: Bench) -> LogGroup:
    step = bench.steps["log-group"]
    assert isinstance(step, LogGroup)
    return step


def read(bench: Bench, step: LogGroup) -> tuple[int | None, dict[str, str]]:
    logs = bench.plain("logs")
    group = logs.describe_log_groups(logGroupNamePrefix=step.slug)["logGroups"][0]
    tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
    return group.get("retentionInDays"), tags


def with_a_leftover(bench: Bench, step: LogGroup) -> None:
    """As EKS makes the group again while its cluster lives: no tags, kept for ever."""
    logs = bench.plain("logs")
    logs.delete_log_group(logGroupName=step.slug)
    with tolerating("ResourceAlreadyExistsException"):
        logs.create_log_group(logGroupName=step.slug)
    arn = logs.describe_log_groups(logGroupNamePrefix=step.slug)["logGroups"][0]["arn"].removesuffix(":*")
    logs.untag_resource(resourceArn=arn, tagKeys=list(read(bench, step)[1]))  # moto keeps those of the old group
    assert read(bench, step) == (None, {})


def test_a_new_group_has_retention_and_tags_and_settles(bench: Bench) -> None:
    step = group_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == ["CreateLogGroup", "PutRetentionPolicy"]
    days, tags = read(bench, step)
    assert days == 30
    assert (tags["eksprov:stack"], tags["eksprov:step"]) == (bench.us.stack, "log-group")
    bench.settles(step)
    assert len(bench.tape.reads) == 2


@pytest.mark.parametrize("days", [None, 7])
def test_another_retention_is_taken_back(bench: Bench, days: int | None) -> None:
    step, logs = group_of(bench), bench.plain("logs")
    bench.make(step)
    if days is None:
        logs.delete_retention_policy(logGroupName=step.slug)
    else:
        logs.put_retention_policy(logGroupName=step.slug, retentionInDays=days)
    assert bench.again(step).change.names == ("retention_days",)
    assert read(bench, step)[0] == 30


def test_an_untagged_leftover_of_eks_is_adopted_where_no_cluster_has_the_name(bench: Bench) -> None:
    step = group_of(bench)
    bench.plain("logs").create_log_group(logGroupName=step.slug)
    outcome = bench.again(step)
    assert outcome.status is Status.UPDATED
    assert set(outcome.change.names) == {"tagged", "retention_days"}
    days, tags = read(bench, step)
    assert (days, tags["eksprov:stack-id"]) == (30, bench.us.stack_id)
    bench.settles(step)


def test_an_untagged_group_is_adopted_where_the_cluster_is_ours_and_refused_where_it_is_not(bench: Bench) -> None:
    step, eks = group_of(bench), bench.plain("eks")
    bench.make("cluster")
    with_a_leftover(bench, step)
    assert bench.again(step).status is Status.UPDATED
    with_a_leftover(bench, step)
    arn = eks.describe_cluster(name=bench.us.stack)["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"eksprov:stack": "another"})
    bench.is_refused(step)
    assert read(bench, step) == (None, {})


def test_a_group_with_anybodys_tags_is_refused_even_by_a_create(bench: Bench) -> None:
    step = group_of(bench)
    bench.plain("logs").create_log_group(logGroupName=step.slug, tags={"team": "theirs"})
    bench.is_refused(step)
    step.create(bench.aws(), step.desired(Outputs()), "token")
    assert read(bench, step) == (None, {"team": "theirs"})


def test_a_longer_name_with_the_same_beginning_is_another_group(bench: Bench) -> None:
    step = group_of(bench)
    bench.plain("logs").create_log_group(logGroupName=f"{step.slug}-2")
    assert step.discover(bench.aws()) is None


def test_it_goes(bench: Bench) -> None:
    step = group_of(bench)
    bench.make(step)
    bench.goes(step)


def test_a_call_that_crosses_anothers_is_sent_again(bench: Bench) -> None:
    step = group_of(bench)
    bench.tape.rewind()
    aws = bench.aws()
    bench.tape.refuse("CreateLogGroup", "OperationAbortedException", times=2)
    step.create(aws, step.desired(Outputs()), "token")
    assert read(bench, step)[0] == 30
