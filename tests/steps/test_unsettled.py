"""What AWS has only just made, or has not quite forgotten, is waited for; and the user is told so.

Each row is a call that follows another, and the refusal with which AWS answers it when it comes too early.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.stage import Theatre, everything

from eksprov.operations.commands.provision import provision
from eksprov.operations.progress import Silent

ENTRY = (
    "The specified principalArn could not be found. You can view your available access entries with "
    "'list-access-entries'."
)
S3 = "A conflicting conditional operation is currently in progress against this resource. Please try again."
IAM = "Another request is changing the role"
LOGS = "A conflicting operation is currently in progress against this resource."
EVERYWHERE = (
    ("AssociateAccessPolicy", "ResourceNotFoundException", ENTRY),
    ("CreateBucket", "OperationAborted", S3),
    ("PutPublicAccessBlock", "OperationAborted", S3),
    ("PutBucketPolicy", "NoSuchBucket", "The specified bucket does not exist"),
    ("PutBucketPolicy", "OperationAborted", S3),
    ("PutBucketLifecycleConfiguration", "NoSuchBucket", "The specified bucket does not exist"),
    ("AttachRolePolicy", "ConcurrentModification", IAM),
    ("PutRolePolicy", "ConcurrentModification", IAM),
    ("CreateLogGroup", "OperationAbortedException", LOGS),
    ("PutRetentionPolicy", "ResourceNotFoundException", "The specified log group does not exist."),
    ("PutRetentionPolicy", "OperationAbortedException", LOGS),
    ("CreatePodIdentityAssociation", "InvalidParameterException", "Role provided in the request does not exist."),
)
ROWS = {
    "everything": (
        *EVERYWHERE,
        ("CreateOrUpdateTags", "ResourceContention", "You already have a pending update to the group"),
        ("CreateAlias", "NotFoundException", "Key does not exist"),
        ("CreateKey", "MalformedPolicyDocumentException", "one or more invalid principals"),
    ),
    "karpenter": (
        *EVERYWHERE,
        ("PutTargets", "ConcurrentModificationException", "There is concurrent modification on a rule"),
        ("PutTargets", "ResourceNotFoundException", "Rule does not exist"),
        ("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds"),
    ),
}


class Listening(Silent):
    """Keeps what is told of waits."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def waiting(self, name: str, message: str) -> None:
        """Keep it."""
        self.told.append(message)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_refusal_that_passes_by_itself_stops_nothing_and_is_told(theatre: Theatre, name: str) -> None:
    with theatre.stage(everything(name)) as stage:
        opened, ear = stage.opened(), Listening()
        opened = replace(opened, stack=replace(opened.stack, progress=ear))
        stage.tape.rewind()
        for operation, code, said in ROWS[name]:
            stage.tape.refuse(operation, code, said)
        report = provision(opened)
        assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
        assert not {operation: left for operation, left in stage.tape.refusals.items() if left}
        for _, code, said in ROWS[name]:
            assert any(said in text and f"({code})" in text for text in ear.told), (code, said)
