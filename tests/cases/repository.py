"""ECR repositories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.memory import Memory
from support.plain import TAGS, arn, or_none, pages

from eksprov.core.step import AnyStep
from eksprov.steps.storage.repository import Repository


def read(client: Client) -> Iterable[Item]:
    ecr = client("ecr")
    for one in pages(ecr, "describe_repositories", "repositories"):
        tags = ecr.list_tags_for_resource(resourceArn=one["repositoryArn"])["tags"]
        named = {"repositoryName": one["repositoryName"]}
        yield {**one, "tags": tags, "lifecycle": or_none(ecr, "get_lifecycle_policy", "lifecyclePolicyText", **named)}


def mutable(made: Made, step: AnyStep) -> None:
    made.client("ecr").put_image_tag_mutability(repositoryName=step.slug, imageTagMutability="MUTABLE")


def arns(params: Item) -> Sequence[str]:
    return [arn("ecr", f"repository/{params['repositoryName']}")] if "repositoryName" in params else ()


def peek(memory: Memory) -> Iterable[Item]:
    ecr = memory.of("ecr")
    for name, one in ecr.repositories.items():
        yield {"id": name, "tags": ecr.tagger.get_tag_dict_for_resource(one.arn), "policy": str(one.policy)}


CASE = KindCase(
    kind=Repository,
    read=read,
    peek=peek,
    drifts={"tag_mutability": mutable},
    untag=lambda made, step: made.client("ecr").untag_resource(resourceArn=made.arn(step), tagKeys=[*TAGS]),
    asks=Iam(
        service="ecr",
        creates=("ecr:CreateRepository",),
        tag_action="ecr:TagResource",
        arns=arns,
        wide={"ecr:DescribeRepositories": (":repository/", "a survey lists them all")},
    ),
    alike=lambda client, stack: client("ecr").create_repository(repositoryName=f"{stack}-prod/models"),
)
