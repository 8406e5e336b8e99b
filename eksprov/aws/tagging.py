"""Changing the tags of what is there, in the words of the service that keeps them.

All but three services have one call that sets tags and one that takes them off, and differ in nothing but words. EC2
and Auto Scaling are told the tags that go as tags; S3 takes all tags of a bucket at once
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html), so those of others are sent with ours.

What goes, goes first: IAM takes "Team" and "team" for one key (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html),
and no resource has more than 50 tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eksprov.aws.tagging_nodes import retag_group, retag_launched, retag_template
from eksprov.aws.tags import as_list

if TYPE_CHECKING:
    from eksprov.aws.clients import Clients


@dataclass(frozen=True)
class _Words:
    """How one service's API spells tagging."""

    resource: str  # parameter that names the resource
    tags: str = "tags"  # parameter with tags to set
    keys: str = "tagKeys"  # parameter with keys to take off
    form: Callable[[Mapping[str, str]], Any] = dict  # writes tags as the service takes them
    put: str = "tag_resource"  # operation that sets tags
    drop: str = "untag_resource"  # operation that takes tags off


def _as_kms(tags: Mapping[str, str]) -> list[Any]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]


_WORDS = {
    "cloudwatch": _Words("ResourceARN", "Tags", "TagKeys", as_list),
    "ecr": _Words("resourceArn", form=as_list),
    "eks": _Words("resourceArn"),
    "events": _Words("ResourceARN", "Tags", "TagKeys", as_list),
    "iam": _Words("RoleName", "Tags", "TagKeys", as_list, "tag_role", "untag_role"),
    "kms": _Words("KeyId", "Tags", "TagKeys", _as_kms),
    "logs": _Words("resourceArn"),
    "sns": _Words("ResourceArn", "Tags", "TagKeys", as_list),
    "sqs": _Words("QueueUrl", "Tags", "TagKeys", put="tag_queue", drop="untag_queue"),
}


def retag(
    clients: Clients, service: str, name: str, have: Mapping[str, str], put: Mapping[str, str], drop: tuple[str, ...]
) -> None:
    """Set `put` and take off `drop` on the resource that `service` knows as `name`, which bears `have` now."""
    match service:
        case "ec2":
            _ec2(clients, name, put, drop)
        case "launch-template":
            retag_template(clients, name, put, drop)
        case "node-group":
            retag_group(clients, name, put, drop)
        case "autoscaling":
            retag_launched(clients, name, put, drop)
        case "s3":
            wanted = {key: value for key, value in {**have, **put}.items() if key not in drop}
            clients.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": as_list(wanted)})
        case _:
            client, words = clients.get(service), _WORDS[service]
            if drop:
                getattr(client, words.drop)(**{words.resource: name, words.keys: list(drop)})
            if put:
                getattr(client, words.put)(**{words.resource: name, words.tags: words.form(put)})


def _ec2(clients: Clients, name: str, put: Mapping[str, str], drop: tuple[str, ...]) -> None:
    if drop:
        clients.ec2.delete_tags(Resources=[name], Tags=[{"Key": key} for key in drop])
    if put:
        clients.ec2.create_tags(Resources=[name], Tags=as_list(put))
