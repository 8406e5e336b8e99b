"""Log groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.memory import Memory
from support.plain import TAGS, arn, pages

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.log_group import LogGroup


def read(client: Client) -> Iterable[Item]:
    logs = client("logs")
    for group in pages(logs, "describe_log_groups", "logGroups"):
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        yield {**group, "tags": tags}


def without_ours(made: Made, step: AnyStep) -> None:
    made.client("logs").untag_resource(resourceArn=made.arn(step), tagKeys=[*TAGS])


def strange(made: Made, step: AnyStep) -> None:
    """A group without any tag is EKS's leftover and may be adopted; a stranger's has tags of its own."""
    made.client("logs").tag_resource(resourceArn=made.arn(step), tags={"team": "other"})
    without_ours(made, step)


def alike(client: Client, stack: str) -> None:
    for name in (f"/aws/eks/{stack}-prod/cluster", f"/aws/containerinsights/{stack}-prod/application"):
        client("logs").create_log_group(logGroupName=name)


def arns(params: Item) -> Sequence[str]:
    return [arn("logs", f"log-group:{params['logGroupName']}")] if "logGroupName" in params else ()


def peek(memory: Memory) -> Iterable[Item]:
    logs = memory.of("logs")
    for name, group in logs.groups.items():
        yield {"id": name, "days": group.retention_in_days, "tags": logs.list_tags_log_group(name)}


CASE = KindCase(
    kind=LogGroup,
    read=read,
    peek=peek,
    drifts={
        "retention_days": lambda made, step: made.client("logs").delete_retention_policy(logGroupName=step.slug),
        "tagged": without_ours,
    },
    untag=strange,
    asks=Iam(service="logs", creates=("logs:CreateLogGroup",), tag_action="logs:TagResource", arns=arns),
    alike=alike,
)
