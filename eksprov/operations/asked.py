"""The rights that a plan's creates take, as questions for IAM's policy simulator: one truth with `eksprov policy`.

There are few questions: EC2's, those that know no resource, and all others. All actions and resources of one go into a
call, IAM answers for each with each, and only the pairs that belong together are looked at
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html). The condition keys say what the
calls would: the stack's tags, the region, whom a role is passed to. A wildcard of ours stands for ids that nobody knows
yet; there a made-up one is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from eksprov.core.change import Action
from eksprov.core.plan import Plan
from eksprov.operations.stack import Opened
from eksprov.permissions import Need, creating, place_of
from eksprov.preflight.facts import Question

SOME = "any"  # in place of an id; IAM looks at patterns, not at whether there is such a thing
# Asked with each of their values.
EACH = ("iam:PolicyARN", "iam:PassedToService", "iam:AWSServiceName", "eks:policyArn")


def asked(opened: Opened, plan: Plan) -> tuple[Question, ...]:
    """What the simulator is to be asked about a plan; nothing where it makes nothing."""
    settled = opened.settled
    where, boundary = (opened.us.stack, settled.region, settled.account), opened.stack.config.iam.boundary_arn
    place = place_of(*where, settled.partition, opened.steps, permissions_boundary=boundary)
    made, replaced = (
        {line.kind for line in plan.lines if line.change.action is action} for action in (Action.CREATE, Action.REPLACE)
    )
    needs = creating(place, made, replaced)
    here = {"aws:RequestedRegion": settled.region}
    return tuple(question for group in _groups(needs) for question in _questions(group, here))


def _groups(needs: Iterable[Need]) -> list[list[Need]]:
    """The needs that are asked about together; EC2's apart, for every pair is answered that the lists could make."""
    found: dict[str, list[Need]] = {}
    for need in needs:
        what = "*" if need.resources == ("*",) else "ec2" if need.action.startswith("ec2:") else "others"
        found.setdefault(what, []).append(need)
    return [found[what] for what in sorted(found)]


def _questions(needs: list[Need], here: Mapping[str, str]) -> Iterator[Question]:
    """As few as there can be in which no need is told what another's conditions want of the same key."""
    found: list[tuple[dict[str, str], list[Need]]] = []
    for need, told in ((one, told) for one in needs for told in _told(one)):
        fitting = (one for one in found if all(one[0].get(key, value) == value for key, value in told.items()))
        context, asked = next(fitting, ({}, []))
        if not asked:
            found.append((context, asked))
        context |= told
        asked.append(need)
    for context, asked in found:
        yield Question(_pairs(asked), {**here, **context})


def _told(need: Need) -> Iterator[dict[str, str]]:
    """What its conditions want to hear: once, or once for each value where each has to be asked about."""
    most = max((len(values) for _, key, values in need.condition if key in EACH), default=1)
    for number in range(most):
        yield {key: values[min(number, len(values) - 1) if key in EACH else 0] for _, key, values in need.condition}


def _pairs(needs: Iterable[Need]) -> frozenset[tuple[str, str]]:
    return frozenset((need.action, _concrete(resource)) for need in needs for resource in need.resources)


def _concrete(resource: str) -> str:
    return resource if resource == "*" else resource.replace("*", SOME)
