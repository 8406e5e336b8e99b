"""The rights of SQS and EventBridge, whose names are the stack's choice: made by name, taken away by name and tag.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html and list_amazoneventbridge.html
there.
"""

from __future__ import annotations

from eksprov.permissions.need import ANYTHING, Place, Rights, on


def _queue(place: Place) -> Rights:
    own, named = place.arn("sqs", *place.slugs("queue")), place.arn("sqs", f"{place.stack}-*")
    tags = on(named, "sqs:ListQueueTags")
    return Rights(
        read=(*on(named, "sqs:GetQueueAttributes", "sqs:GetQueueUrl"), *tags),
        make=on(own, "sqs:CreateQueue", "sqs:TagQueue", condition=place.requested),
        change=on(own, "sqs:SetQueueAttributes"),
        delete=on(named, "sqs:DeleteQueue", condition=place.owned),
        survey=(*on(ANYTHING, "sqs:ListQueues"), *tags),
    )


def _event_rule(place: Place) -> Rights:
    own = place.arn("events", *(f"rule/{name}" for name in place.slugs("event-rule")))
    named, tags = place.arn("events", f"rule/{place.stack}-*"), "events:ListTagsForResource"
    write = on(own, "events:PutRule", "events:PutTargets")
    return Rights(
        read=on(named, "events:DescribeRule", "events:ListTargetsByRule", tags),
        make=(*on(own, "events:TagResource", condition=place.requested), *write),
        change=(*write, *on(own, "events:RemoveTargets")),
        delete=on(named, "events:RemoveTargets", "events:DeleteRule", condition=place.owned),
        survey=(*on(ANYTHING, "events:ListRules"), *on(named, tags)),
    )


RIGHTS = {"queue": _queue, "event-rule": _event_rule}
