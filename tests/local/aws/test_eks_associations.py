"""What is joined to a cluster: an encryption key, and what others put there."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from support.aws_fakes import DEMO, Scene, refused

from eksprov.local.aws.eks import others


def test_an_encryption_key_is_associated_once_and_for_ever(scene: Scene, session: boto3.Session) -> None:
    scene.active_cluster()
    kms, eks = session.client("kms"), scene.aws.eks
    key = kms.create_key()["KeyMetadata"]["Arn"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    document = {"Effect": "Allow", "Action": "kms:*", "Resource": key}
    text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
    scene.aws.iam.put_role_policy(RoleName="demo-cluster", PolicyName="key", PolicyDocument=text)

    def wanted(arn: str) -> dict[str, Any]:
        return {**DEMO, "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": arn}}]}

    missing = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-0000-0000-000000000000"
    for wrong in (missing, other):
        assert refused(eks.associate_encryption_config, **wanted(wrong)) == "InvalidParameterException"
    update = eks.associate_encryption_config(**wanted(key))["update"]
    assert (update["status"], update["type"]) == ("InProgress", "AssociateEncryptionConfig")
    change = {"name": "demo", "deletionProtection": True}
    assert refused(eks.update_cluster_config, **change) == "ResourceInUseException"
    scene.clock.advance(601)
    assert eks.describe_update(name="demo", updateId=update["id"])["update"]["status"] == "Successful"
    shape = eks.describe_cluster(name="demo")["cluster"]
    assert (shape["status"], shape["encryptionConfig"]) == ("ACTIVE", wanted(key)["encryptionConfig"])
    assert refused(eks.associate_encryption_config, **wanted(key)) == "InvalidParameterException"


OTHERS: dict[others.Kind, tuple[str, str, dict[str, Any]]] = {
    "fargate": ("list_fargate_profiles", "describe_fargate_profile", {"fargateProfileName": "one"}),
    "capability": ("list_capabilities", "describe_capability", {"capabilityName": "one"}),
    "identity-provider": (
        "list_identity_provider_configs",
        "describe_identity_provider_config",
        {"identityProviderConfig": {"type": "oidc", "name": "one"}},
    ),
}


def test_every_kind_that_others_put_there_is_tried_here() -> None:
    assert set(OTHERS) == set(others.MEMBERS)


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_what_others_put_there_is_listed_described_tagged_and_keeps_the_cluster(
    scene: Scene, kind: others.Kind
) -> None:
    scene.active_cluster()
    (listing, describing, named), eks = OTHERS[kind], scene.aws.eks
    (before,) = (value for key, value in getattr(eks, listing)(**DEMO).items() if key != "ResponseMetadata")
    assert before == []
    assert refused(getattr(eks, describing), **DEMO, **named) == "ResourceNotFoundException"
    shape = others.put(scene.world.region("us-west-2"), "demo", kind, "one", tags={"a": "b"})
    (after,) = (value for key, value in getattr(eks, listing)(**DEMO).items() if key != "ResponseMetadata")
    assert "one" in str(after)
    assert "ACTIVE" in str(getattr(eks, describing)(**DEMO, **named))
    arn = shape[others.MEMBERS[kind][2]]
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    if kind == "identity-provider":
        assert eks.delete_cluster(name="demo")["cluster"]["status"] == "DELETING"
    else:
        assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
