"""What is joined to a cluster: an encryption key, an identity provider, capabilities."""

from __future__ import annotations

import json
from typing import Any

from aws_fakes import DEMO, refused

CAPABILITIES = "capabilities.eks.amazonaws.com"


def test_an_encryption_key_is_associated_once_and_for_ever(scene: Any, session: Any) -> None:
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


def test_one_identity_provider_a_cluster_comes_and_goes_slowly(scene: Any) -> None:
    scene.active_cluster()
    eks = scene.aws.eks
    oidc = {"identityProviderConfigName": "corp", "issuerUrl": "https://id.example.com", "clientId": "kube"}
    for change in ({"issuerUrl": "http://id.example.com"}, {"groupsPrefix": "system:x"}):
        code = refused(eks.associate_identity_provider_config, **DEMO, oidc=oidc | change)
        assert code == "InvalidParameterException"
    eks.associate_identity_provider_config(**DEMO, oidc=oidc, tags={"a": "b"})
    known = {**DEMO, "identityProviderConfig": {"type": "oidc", "name": "corp"}}
    found = eks.describe_identity_provider_config(**known)["identityProviderConfig"]["oidc"]
    assert (found["status"], found["tags"]) == ("CREATING", {"a": "b"})
    assert refused(eks.associate_identity_provider_config, **DEMO, oidc=oidc) == "ResourceInUseException"
    scene.clock.advance(1291)
    found = eks.describe_identity_provider_config(**known)["identityProviderConfig"]["oidc"]
    assert found["status"] == "ACTIVE"
    assert eks.list_identity_provider_configs(**DEMO)["identityProviderConfigs"] == [{"type": "oidc", "name": "corp"}]
    update = eks.disassociate_identity_provider_config(**known)["update"]
    assert update["type"] == "DisassociateIdentityProviderConfig"
    scene.clock.advance(1291)
    assert eks.list_identity_provider_configs(**DEMO)["identityProviderConfigs"] == []
    assert refused(eks.describe_identity_provider_config, **known) == "ResourceNotFoundException"


def test_one_capability_of_each_type_and_it_keeps_the_cluster(scene: Any) -> None:
    scene.active_cluster()
    eks, role = scene.aws.eks, scene.aws.role("ack", CAPABILITIES)
    ask = {**DEMO, "capabilityName": "ack", "type": "ACK", "roleArn": role, "deletePropagationPolicy": "RETAIN"}
    wrong = scene.aws.role("wrong", "ec2.amazonaws.com")
    assert refused(eks.create_capability, **ask | {"roleArn": wrong}) == "InvalidParameterException"
    argo = {"type": "ARGOCD", "capabilityName": "argo"}
    assert refused(eks.create_capability, **ask | argo) == "InvalidParameterException"
    made = eks.create_capability(**ask, tags={"a": "b"})["capability"]
    assert made["status"] == "CREATING"
    assert refused(eks.create_capability, **ask | {"capabilityName": "two"}) == "ResourceInUseException"
    scene.clock.advance(121)
    (listed,) = eks.list_capabilities(**DEMO)["capabilities"]
    assert listed["status"] == "ACTIVE"
    known = {**DEMO, "capabilityName": "ack"}
    change = {"ack": {"enableCrossNamespace": True}}
    update = eks.update_capability(**known, configuration=change)["update"]
    assert refused(eks.update_capability, **known, configuration=change) == "ResourceInUseException"
    scene.clock.advance(61)
    named = {"name": "demo", "capabilityName": "ack"}
    assert eks.describe_update(**named, updateId=update["id"])["update"]["status"] == "Successful"
    assert eks.list_updates(**named)["updateIds"] == [update["id"]]
    assert eks.describe_capability(**known)["capability"]["configuration"] == change
    assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
    eks.delete_capability(**known)
    scene.clock.advance(121)
    assert refused(eks.describe_capability, **known) == "ResourceNotFoundException"
