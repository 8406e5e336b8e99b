"""A rule of EventBridge's default bus: which events go to which target.

PutRule makes a rule or overwrites one, and takes tags for a new one only; a rule with targets cannot be deleted
(https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, API_DeleteRule.html there). PutTargets
and RemoveTargets answer 200 and name the entries that failed. EventBridge takes one change of a rule at a time
(https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import some
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.steps.absent import none_if

GONE = "ResourceNotFoundException"
CHANGING = (Passing("ConcurrentModificationException"),)
UNSETTLED = (*CHANGING, Passing(GONE))  # a rule that was just made may not be found yet
UNSETTLED_LIMIT_S = 60.0
TARGET = "eksprov"  # the id of our target; ids are the rule's own


@dataclass(frozen=True)
class EventRuleFacts:
    """`pattern` is JSON with sorted keys, whose values are lists; `targets` are ids and ARNs, exactly these."""

    pattern: str
    targets: frozenset[tuple[str, str]]
    enabled: bool = True
    description: str = ""
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class EventRule(Step[Aws, EventRuleFacts]):
    """`slug` is the rule's name; `target` the ARN of what gets the events."""

    kind: ClassVar[str] = "event-rule"
    # AWS's own events on the default bus: https://aws.amazon.com/eventbridge/pricing/
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(tags_at=("events", "arn"))

    pattern: str = ""
    target: str = ""
    description: str = ""

    def desired(self, outputs: Outputs) -> EventRuleFacts:
        """The config's pattern, and our one target."""
        return EventRuleFacts(_settled(self.pattern), frozenset({(TARGET, self.target)}), description=self.description)

    def describe(self, want: EventRuleFacts) -> str:
        """What is created, for the plan."""
        told = json.loads(want.pattern or "{}").get("detail-type") or ("every event",)
        return f"{some(told)} to {self.target.rsplit(':', 1)[-1]}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> EventRuleFacts | None:
        """The rule, its targets, its tags."""
        return none_if(lambda: self._read(aws), GONE)

    def _read(self, aws: Aws) -> EventRuleFacts:
        events = aws.clients.events
        rule = events.describe_rule(Name=self.slug)
        pages = events.get_paginator("list_targets_by_rule").paginate(Rule=self.slug)
        return EventRuleFacts(
            pattern=_settled(rule.get("EventPattern", "")),
            targets=frozenset((target["Id"], target["Arn"]) for page in pages for target in page["Targets"]),
            enabled=rule.get("State") == "ENABLED",
            description=rule.get("Description", ""),
            arn=rule["Arn"],
            owner=owner_of(as_dict(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])),
        )

    def create(self, aws: Aws, want: EventRuleFacts, token: str) -> dict[str, str]:
        """The rule with the owner's tags, then its target."""
        self._put(aws, want, Tags=as_list(aws.tags(self.name)))
        self._aim(aws, want.targets)
        return {}

    def update(self, aws: Aws, want: EventRuleFacts, have: EventRuleFacts, fields: tuple[str, ...]) -> None:
        """The rule whole, its tags stay; what is no longer wanted of its targets goes last."""
        if set(fields) - {"targets"}:
            self._put(aws, want)
        self._aim(aws, want.targets - have.targets)
        self._take_aim_off(aws, {name for name, _ in have.targets} - {name for name, _ in want.targets})

    def delete(self, aws: Aws, have: EventRuleFacts) -> None:
        with tolerating(GONE):
            self._take_aim_off(aws, {name for name, _ in have.targets})
            aws.clients.events.delete_rule(Name=self.slug)

    def outputs(self, have: EventRuleFacts) -> dict[str, str]:
        return {"arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The rules whose name begins with the stack's, by their tags."""
        events = aws.clients.events
        pages = events.get_paginator("list_rules").paginate(NamePrefix=f"{stack}-")
        for rule in [rule for page in pages for rule in page["Rules"]]:
            with tolerating(GONE):
                owner = owner_of(as_dict(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]))
                if of_stack(owner, stack, aws.region):
                    yield FoundResource(cls.kind, rule["Name"], rule["Arn"], owner)

    def _put(self, aws: Aws, want: EventRuleFacts, **more: Any) -> None:
        aws.clients.events.put_rule(
            Name=self.slug, EventPattern=want.pattern, State="ENABLED", Description=want.description, **more
        )

    def _aim(self, aws: Aws, targets: Iterable[tuple[str, str]]) -> None:
        wanted: list[Any] = [{"Id": name, "Arn": arn} for name, arn in sorted(targets)]
        if wanted:
            put = partial(aws.clients.events.put_targets, Rule=self.slug, Targets=wanted)
            self._all_taken(eventually(aws, put, UNSETTLED, limit_s=UNSETTLED_LIMIT_S))

    def _take_aim_off(self, aws: Aws, names: Iterable[str]) -> None:
        if ids := sorted(names):
            remove = partial(aws.clients.events.remove_targets, Rule=self.slug, Ids=ids)
            self._all_taken(eventually(aws, remove, CHANGING, limit_s=UNSETTLED_LIMIT_S))

    def _all_taken(self, answer: Any) -> None:
        """Raises: ProvisioningError with the first entry that EventBridge did not take."""
        for failed in answer.get("FailedEntries", []):
            why = f"{failed.get('ErrorCode', '')} {failed.get('ErrorMessage', '')}".strip()
            raise errors.ProvisioningError(f"{self.name}: EventBridge did not take target {failed['TargetId']}: {why}")

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own = place.arn("events", *(f"rule/{name}" for name in place.slugs(cls.kind)))
        named, tags = place.arn("events", f"rule/{place.stack}-*"), "events:ListTagsForResource"
        write = on(own, "events:PutRule", "events:PutTargets")
        return Rights(
            read=on(named, "events:DescribeRule", "events:ListTargetsByRule", tags),
            make=(*on(own, "events:TagResource", condition=place.requested), *write),
            change=(*write, *on(own, "events:RemoveTargets")),
            delete=on(named, "events:RemoveTargets", "events:DeleteRule", condition=place.owned),
            list_owned=(*on(ANYTHING, "events:ListRules"), *on(named, tags)),
            tag=on(own, "events:TagResource", "events:UntagResource", condition=place.owned),
        )


def _settled(pattern: str) -> str:
    """The same pattern is the same text; unlike a policy's, a list of one stays a list."""
    return json.dumps(json.loads(pattern), sort_keys=True) if pattern else ""
