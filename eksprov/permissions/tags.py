"""The rights to tag anew what is there, when the config's tags have changed: a pair of actions for each service.

All of it must carry the stack's tag; what has a name of our choice is named, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from eksprov.permissions.account import role_arns
from eksprov.permissions.need import Need, Place, on
from eksprov.permissions.network import MADE


def retagging(place: Place, services: Iterable[str]) -> Iterator[Need]:
    """What these services ask of whoever sets and takes off tags; Auto Scaling's is with the kind."""
    asked = set(services)
    for service in sorted(asked & _ON.keys()):
        resources, *actions = _ON[service](place), *_ACTIONS.get(service, ("TagResource", "UntagResource"))
        condition = () if service in _UNTOLD else place.owned
        yield from on(resources, *(f"{service}:{action}" for action in actions), condition=condition)
    if "cloudwatch" in asked:
        boards = place.everywhere("cloudwatch", *(f"dashboard/{name}" for name in place.slugs("dashboard")))
        yield from on(boards, "cloudwatch:TagResource", "cloudwatch:UntagResource")


# Where IAM is not told the tags of what is tagged: S3 tells them of buckets that were switched to it
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html); of dashboards, nothing does.
_UNTOLD = ("s3",)
_ACTIONS = {
    "ec2": ("CreateTags", "DeleteTags"),
    "iam": ("TagRole", "UntagRole"),
    "s3": ("PutBucketTagging",),
    "sqs": ("TagQueue", "UntagQueue"),
}
_IN_EKS = ("access-entry", "addon", "nodegroup", "podidentityassociation")
_ON: dict[str, Callable[[Place], tuple[str, ...]]] = {
    "cloudwatch": lambda place: place.arn("cloudwatch", *(f"alarm:{name}" for name in place.slugs("alarm"))),
    "ec2": lambda place: place.arn("ec2", *(f"{MADE[kind][0]}/*" for kind in MADE if kind in place.kinds)),
    "ecr": lambda place: place.arn("ecr", *(f"repository/{name}" for name in place.slugs("repository"))),
    "eks": lambda place: place.arn("eks", f"cluster/{place.stack}", *(f"{kind}/{place.stack}/*" for kind in _IN_EKS)),
    "events": lambda place: place.arn("events", *(f"rule/{name}" for name in place.slugs("event-rule"))),
    "iam": lambda place: role_arns(place, place.made_roles),
    "kms": lambda place: place.arn("kms", "key/*"),
    "logs": lambda place: place.arn("logs", *(f"log-group:{name}" for name in place.slugs("log-group"))),
    "s3": lambda place: tuple(f"arn:{place.partition}:s3:::{name}" for name in place.slugs("bucket")),
    "sns": lambda place: tuple(place.slugs("topic")),
    "sqs": lambda place: place.arn("sqs", *place.slugs("queue")),
}
