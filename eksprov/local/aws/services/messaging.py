"""SQS, SNS and EventBridge: moto's, with names that rest after a deletion, and with tags and policies that stay.

Messages come from nobody here: no instance of the local world is interrupted, EventBridge delivers nothing, and nobody
gets an e-mail. So a subscription by e-mail waits for its confirmation; the token that confirms it is the address.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.events.responses import EventsHandler
from moto.sns.responses import SNSResponse
from moto.sqs.responses import SQSResponse

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal

MOST_TARGETS = 5  # a rule, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html


class LocalSqsResponse(LocalResponse, SQSResponse):
    """Answers every request to SQS."""

    def create_queue(self) -> ActionResult:
        """CreateQueue; a name rests for a minute after its queue was deleted, an existing queue keeps its tags
        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html)."""
        name, world = self._get_param("QueueName"), self.world
        deleted = world.queues_deleted.get((self.region, name))
        if deleted is not None and world.now() < deleted + world.latency("queue-name-rests"):
            message = (
                "You must wait 60 seconds after deleting a queue before you can create another with the same name."
            )
            raise Refusal("AWS.SimpleQueueService.QueueDeletedRecently", message)
        before = self.sqs_backend.queues.get(name)
        kept = dict(before.tags) if before is not None else None
        answer = super().create_queue()
        if kept is not None:
            self.sqs_backend.queues[name].tags = kept
        return answer

    def delete_queue(self) -> ActionResult:
        answer = super().delete_queue()
        self.world.queues_deleted[self.region, self._get_queue_name()] = self.world.now()
        return answer

    def set_queue_attributes(self) -> ActionResult:
        """SetQueueAttributes; what is not named stays."""
        queue = self.sqs_backend.queues.get(self._get_queue_name())
        policy = queue.policy if queue is not None else None
        answer = super().set_queue_attributes()
        if queue is not None and "Policy" not in (self._get_param("Attributes") or {}):
            queue.policy = policy
        return answer


class LocalSnsResponse(LocalResponse, SNSResponse):
    """Answers every request to SNS."""

    def list_subscriptions_by_topic(self) -> ActionResult:
        """ListSubscriptionsByTopic; what nobody has confirmed has no ARN yet
        (https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html, `ReturnSubscriptionArn`)."""
        found, more = self.backend.list_subscriptions_by_topic(
            self._get_param("TopicArn"), self._get_param("NextToken")
        )
        listed = [
            {
                "TopicArn": one.topic.arn,
                "Protocol": one.protocol,
                "SubscriptionArn": one.arn if one.confirmed or one.protocol != "email" else "PendingConfirmation",
                "Owner": one.account_id,
                "Endpoint": one.endpoint,
            }
            for one in found
        ]
        return ActionResult({"Subscriptions": listed, "NextToken": more})

    def confirm_subscription(self) -> ActionResult:
        topic, token = self._get_param("TopicArn"), self._get_param("Token")
        for one in self.backend.subscriptions.values():
            if (one.topic.arn, one.endpoint) == (topic, token):
                one.confirmed = True
                return ActionResult({"SubscriptionArn": one.arn})
        raise Refusal("InvalidParameter", "Invalid parameter: Token")


class LocalEventsResponse(LocalResponse, EventsHandler):
    """Answers every request to EventBridge."""

    def put_rule(self) -> Any:
        """PutRule; tags are for a new rule only
        (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html)."""
        backend: Any = self.events_backend
        bus = backend.event_buses[backend._normalize_event_bus_arn(self._get_param("EventBusName"))]
        before = bus.rules.get(self._get_param("Name"))
        kept = None if before is None else backend.list_tags_for_resource(before.arn)["Tags"]
        answer = super().put_rule()
        if before is not None:
            backend.tagger.delete_all_tags_for_resource(before.arn)
            backend.tagger.tag_resource(before.arn, kept)
        return answer

    def put_targets(self) -> Any:
        """PutTargets; a rule has five at most."""
        backend: Any = self.events_backend
        bus = backend.event_buses[backend._normalize_event_bus_arn(self._get_param("EventBusName"))]
        rule = bus.rules.get(self._get_param("Rule"))
        have = {target["Id"] for target in rule.targets} if rule is not None else set()
        if len(have | {target["Id"] for target in self._get_param("Targets")}) > MOST_TARGETS:
            raise Refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        return super().put_targets()
