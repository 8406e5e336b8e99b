"""The rights to tag anew what is there, when the config's tags have changed: a pair of actions for each service.

What AWS gives an id of its own choice must carry the stack's tag; the rest is known by its ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from eksprov.permissions.need import Need, Place, on


def retagging(place: Place, services: Iterable[str]) -> Iterator[Need]:
    """What these services ask of whoever sets and takes off tags; Auto Scaling's is with the kind."""
    for service in sorted(set(services) & _ON.keys()):
        resources, *actions = _ON[service](place), *_ACTIONS.get(service, ("TagResource", "UntagResource"))
        condition = place.owned if service in _BY_TAG else ()
        yield from on(resources, *(f"{service}:{action}" for action in actions), condition=condition)


_BY_TAG = ("ec2", "kms")
_ACTIONS = {
    "ec2": ("CreateTags", "DeleteTags"),
    "iam": ("TagRole", "UntagRole"),
    "s3": ("PutBucketTagging",),
    "sqs": ("TagQueue", "UntagQueue"),
}
_ON: dict[str, Callable[[Place], tuple[str, ...]]] = {
    "cloudwatch": lambda place: (
        *place.arn("cloudwatch", f"alarm:{place.stack}-*"),
        *place.everywhere("cloudwatch", f"dashboard/{place.stack}-*"),
    ),
    "ec2": lambda place: place.arn("ec2", "*/*"),
    "ecr": lambda place: place.arn("ecr", f"repository/{place.stack}/*"),
    "eks": lambda place: place.arn("eks", f"cluster/{place.stack}", f"*/{place.stack}/*"),
    "events": lambda place: place.arn("events", f"rule/{place.stack}-*"),
    "iam": lambda place: place.everywhere("iam", f"role/eksprov/{place.stack}-*"),
    "kms": lambda place: place.arn("kms", "key/*"),
    "logs": lambda place: place.arn("logs", *(f"log-group:{name}" for name in place.slugs("log-group"))),
    "s3": lambda place: tuple(f"arn:{place.partition}:s3:::{name}" for name in place.slugs("bucket")),
    "sns": lambda place: place.arn("sns", f"{place.stack}-*"),
    "sqs": lambda place: place.arn("sqs", f"{place.stack}-*"),
}
