"""SNS topics, with who listens to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.plain import pages

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.topic import Topic


def read(client: Client) -> Iterable[Item]:
    sns = client("sns")
    for topic in pages(sns, "list_topics", "Topics"):
        arn = topic["TopicArn"]
        found = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        listeners = sorted((item["Protocol"], item["Endpoint"]) for item in found)
        yield {"arn": arn, "listeners": listeners, "Tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def unsubscribed(made: Made, step: AnyStep) -> None:
    sns = made.client("sns")
    for found in sns.list_subscriptions_by_topic(TopicArn=step.slug)["Subscriptions"]:
        sns.confirm_subscription(TopicArn=step.slug, Token=found["Endpoint"])
    for found in sns.list_subscriptions_by_topic(TopicArn=step.slug)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


def arns(params: Item) -> Sequence[str]:
    return [params["TopicArn"]] if "TopicArn" in params else ()


CASE = KindCase(
    kind=Topic,
    read=read,
    drifts={"emails": unsubscribed},
    untag="tests/steps/monitoring/test_monitoring.py brings the stranger",
    asks=Iam(
        service="sns",
        creates=("sns:CreateTopic",),
        tag_action="sns:TagResource",
        arns=arns,
        unseen={
            "sns:ListTagsForResource": "a survey that finds nothing of that name",
            "sns:Unsubscribe": "a listener who has left the config",
        },
        wide={"sns:Unsubscribe": ("", "IAM knows no resource for it")},
    ),
    alike=lambda client, stack: client("sns").create_topic(Name=f"{stack}-prod-alarms"),
)
