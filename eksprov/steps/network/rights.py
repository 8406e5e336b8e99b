"""EC2's rights. Ids are AWS's choice, so what is made must be tagged as the stack's, and what is touched must be so.

Each statement names the types of resource that its action looks at; which these are, and which of their tags IAM is
told, is in
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html; tagging at creation is
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html. The Describe actions know no
resources. Where the config brings its own VPC, that one is named instead of being asked for a tag it does not have.
"""

from __future__ import annotations

from typing import ClassVar

from eksprov.aws.rights import ANYTHING, Need, Place, on


class MadeInEc2:
    """A kind that EC2 makes and knows by an id.

    `ec2_type` is its type in ARNs ("natgateway"), `ec2_create` the call that makes it ("CreateNatGateway"); `launches`
    are the types of what is launched from it, with tags that it says.
    """

    ec2_type: ClassVar[str]
    ec2_create: ClassVar[str]
    launches: ClassVar[tuple[str, ...]] = ()


def tagging(place: Place) -> tuple[Need, ...]:
    """Tags as part of the create calls that this config makes, and only with the stack's name among them."""
    kinds = [type(steps[0]) for steps in place.kinds.values() if isinstance(steps[0], MadeInEc2)]
    made = [kind for kind in kinds if issubclass(kind, MadeInEc2)]
    launched = sorted({thing for kind in made for thing in kind.launches})
    actions = (*sorted(kind.ec2_create for kind in made), *(("RunInstances",) if launched else ()))
    created = ("StringEquals", "ec2:CreateAction", actions)
    things = place.arn("ec2", *(f"{thing}/*" for thing in (*(kind.ec2_type for kind in made), *launched)))
    return on(things, "ec2:CreateTags", condition=(*place.requested, created))


def made(place: Place, kind: type[MadeInEc2], *parents: str) -> tuple[Need, ...]:
    """Making a thing with our tags, out of or inside parents that are ours."""
    call = f"ec2:{kind.ec2_create}"
    needs = on(place.arn("ec2", f"{kind.ec2_type}/*"), call, condition=place.requested)
    return (*needs, *ours(place, parents, call), *tagging(place))


def tagged_anew(place: Place, kind: type[MadeInEc2]) -> tuple[Need, ...]:
    """Other tags on what carries the stack's."""
    return on(place.arn("ec2", f"{kind.ec2_type}/*"), "ec2:CreateTags", "ec2:DeleteTags", condition=place.owned)


def ours(place: Place, things: tuple[str, ...], *actions: str) -> tuple[Need, ...]:
    """Actions on things that carry our tag, or that the config brought."""
    found: list[Need] = []
    for thing in things:
        brought = place.slugs(f"existing-{thing}")
        if brought:
            found += on(place.arn("ec2", *(f"{thing}/{name}" for name in brought)), *actions)
        else:
            found += on(place.arn("ec2", f"{thing}/*"), *actions, condition=place.owned)
    return tuple(found)


def reads(*actions: str) -> tuple[Need, ...]:
    """EC2's Describe actions, which know no resource."""
    return on(ANYTHING, *(f"ec2:{action}" for action in actions))
