"""The rights of SQS and EventBridge, whose names are the stack's choice, so ARNs say it all.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html and list_amazoneventbridge.html
there.
"""

from __future__ import annotations

from eksprov.permissions.need import ANYTHING, Place, Rights, on


def _queue(place: Place) -> Rights:
    own, any_own = place.arn("sqs", *_names(place, "queue")), place.arn("sqs", f"{place.stack}-*")
    read = on(own, "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags")
    return Rights(
        read=read,
        make=on(own, "sqs:CreateQueue", "sqs:TagQueue", condition=place.requested),
        change=on(own, "sqs:SetQueueAttributes"),
        delete=on(own, "sqs:DeleteQueue"),
        survey=(*on(ANYTHING, "sqs:ListQueues"), *on(any_own, "sqs:ListQueueTags")),
    )


def _event_rule(place: Place) -> Rights:
    own = place.arn("events", *(f"rule/{name}" for name in _names(place, "event-rule")))
    any_own, tags = place.arn("events", f"rule/{place.stack}-*"), "events:ListTagsForResource"
    read = on(own, "events:DescribeRule", "events:ListTargetsByRule", tags)
    write = on(own, "events:PutRule", "events:PutTargets")
    return Rights(
        read=read,
        make=(*on(own, "events:TagResource", condition=place.requested), *write),
        change=(*write, *on(own, "events:RemoveTargets")),
        delete=on(own, "events:RemoveTargets", "events:DeleteRule"),
        survey=(*on(place.arn("events", "rule/*"), "events:ListRules"), *on(any_own, tags)),
    )


def _names(place: Place, kind: str) -> tuple[str, ...]:
    return place.slugs(kind) or (f"{place.stack}-*",)


RIGHTS = {"queue": _queue, "event-rule": _event_rule}
