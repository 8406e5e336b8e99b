"""Plain boto3, where several kinds are read, changed or untagged in one way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eksprov.core.step import AnyStep
from support.kind_case import Client, Item, Made, Read

TAGS = ("eksprov:region", "eksprov:stack", "eksprov:stack-id", "eksprov:step")
WITH_ITS_NETWORK = "in provision: a network without a cluster whose range has changed is made again"
NO_RIGHTS = '{"Version":"2012-10-17","Statement":[]}'


def arn(service: str, rest: str) -> str:
    """The ARN of what the tests' account has in its region."""
    return f"arn:aws:{service}:us-west-2:123456789012:{rest}"


def pages(client: Any, operation: str, key: str, **params: str) -> list[Any]:
    """What a paged operation of a boto3 client lists."""
    return [item for page in client.get_paginator(operation).paginate(**params) for item in page[key]]


def of_ec2(operation: str, key: str, own: str) -> Read:
    """EC2's resources of one type; `own` is the member that has the id."""

    def read(client: Client) -> Iterable[Item]:
        for item in pages(client("ec2"), operation, key):
            yield {**item, "_id": item[own]}

    return read


def of_clusters(listing: str, key: str, describe: str, param: str, result: str) -> Read:
    """What EKS keeps by cluster: listed under `key`, described one by one by `param`."""

    def read(client: Client) -> Iterable[Item]:
        eks = client("eks")
        for cluster in pages(eks, "list_clusters", "clusters"):
            for item in pages(eks, listing, key, clusterName=cluster):
                named = item if isinstance(item, str) else item[param]
                yield getattr(eks, describe)(clusterName=cluster, **{param: named})[result]

    return read


def or_none(client: Any, operation: str, key: str, **params: str) -> Any:
    """What a boto3 client answers under a key; the error's code where there is none."""
    try:
        return getattr(client, operation)(**params).get(key)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def untag_in_eks(made: Made, step: AnyStep) -> object:
    """Take our tags off a resource of EKS; one whose outputs have no ARN is asked for it."""
    have: Any = step.discover(made.aws())
    arn = made.outputs.of(step.name).get("arn") or have.arn
    return made.client("eks").untag_resource(resourceArn=arn, tagKeys=[*TAGS])
