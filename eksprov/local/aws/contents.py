"""What somebody has put into the emulated account: whether there is anything, and the stacks that its tags name.

Read from moto's own memory in every region, not through the API: it is no call, and it must not be refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.services.kms import PENDING

STACK = "eksprov:stack"
AWS_KEYS = ("Default master key", "Default key")  # made by a service the first time that it encrypts something
SERVICE_ROLES = "/aws-service-role/"  # an account's own, which no stack ever takes away


def is_empty(world: LocalAws) -> bool:
    """Whether nobody has made anything that is still there; the world's lock must be held."""
    return next(_things(world), None) is None


def stacks(world: LocalAws) -> list[str]:
    """The names of the stacks to which anything belongs; the world's lock must be held."""
    found = {tags[STACK] for tags in _tags(world) if tags.get(STACK)}
    return sorted(found)


def _things(world: LocalAws) -> Iterator[object]:
    yield from world.clusters()
    yield from (role for role in _roles() if SERVICE_ROLES not in role.arn)
    for s3 in s3_backends[ACCOUNT].values():
        yield from s3.buckets.values()
    for ec2 in ec2_backends[ACCOUNT].values():
        yield from (vpc for vpc in ec2.vpcs.values() if str(vpc.is_default).lower() != "true")
    for ecr in ecr_backends[ACCOUNT].values():
        yield from ecr.repositories.values()
    for logs in logs_backends[ACCOUNT].values():
        yield from logs.groups.values()
    for kms in kms_backends[ACCOUNT].values():
        keys = (key for key in kms.keys.values() if key.key_state != PENDING)
        yield from (key for key in keys if not str(key.description).startswith(AWS_KEYS))
    for sns in sns_backends[ACCOUNT].values():
        yield from sns.topics.values()
    for sqs in sqs_backends[ACCOUNT].values():
        yield from sqs.queues.values()


def _roles() -> Iterator[Any]:
    for iam in iam_backends[ACCOUNT].values():
        yield from iam.get_roles()


def _tags(world: LocalAws) -> Iterator[Mapping[str, Any]]:
    for cluster in world.clusters():
        yield cluster.shape.get("tags", {})
    for role in _roles():
        yield {tag["Key"]: tag["Value"] for tag in role.tags or ()}
    for ec2 in ec2_backends[ACCOUNT].values():
        yield from (ec2.tags.get(vpc, {}) for vpc in ec2.vpcs)  # moto keeps the tags of what has gone
