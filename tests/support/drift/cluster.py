"""What is changed behind our back in the cluster, in who may enter it, and in its add-ons."""

from __future__ import annotations

from typing import Any

from support.drift.made import AnyStep, Change, Changes, Made

AUTO_MODE = "tests/steps/test_auto_mode.py changes it in a stack that has it"


def cluster(**change: Any) -> Change:
    return lambda m, step: m.client("eks").update_cluster_config(name=step.slug, **change)


def entry_policies(m: Made, step: AnyStep) -> None:
    name, principal = step.slug.split("/", 1)
    eks, key = m.client("eks"), {"clusterName": name, "principalArn": principal}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS{}Policy"
    eks.associate_access_policy(**key, policyArn=policy.format("View"), accessScope={"type": "cluster"})
    eks.disassociate_access_policy(**key, policyArn=policy.format("ClusterAdmin"))


def entry_groups(m: Made, step: AnyStep) -> None:
    name, principal = step.slug.split("/", 1)
    m.client("eks").update_access_entry(clusterName=name, principalArn=principal, kubernetesGroups=["strangers"])


def addon(**change: Any) -> Change:
    def update(m: Made, step: AnyStep) -> None:
        name, addon_name = step.slug.split("/")
        m.client("eks").update_addon(clusterName=name, addonName=addon_name, **change)

    return update


def bond_role(m: Made, step: AnyStep) -> None:
    eks, name = m.client("eks"), step.slug.split("/")[0]
    have: Any = step.discover(m.stage.opened().aws)
    other = m.outputs.of("role/vpc-cni") or m.outputs.of("existing-role/vpc-cni")
    eks.update_pod_identity_association(clusterName=name, associationId=have.id, roleArn=other["arn"])


def node_entry(m: Made, step: AnyStep) -> None:
    name, principal = step.slug.split("/", 1)
    m.client("eks").delete_access_entry(clusterName=name, principalArn=principal)


CHANGES: Changes = {
    ("node-access-entry", "current"): node_entry,
    ("cluster", "deletion_protection"): cluster(deletionProtection=True),
    ("cluster", "log_types"): cluster(logging={"clusterLogging": [{"types": ["audit"], "enabled": False}]}),
    ("cluster", "public_access"): cluster(resourcesVpcConfig={"endpointPublicAccess": False}),
    ("cluster", "private_access"): cluster(resourcesVpcConfig={"endpointPrivateAccess": False}),
    ("cluster", "public_cidrs"): cluster(resourcesVpcConfig={"publicAccessCidrs": ["81.2.70.0/24"]}),
    ("cluster", "support_type"): cluster(upgradePolicy={"supportType": "EXTENDED"}),
    ("cluster", "authentication"): "EKS lets it move only towards API, which is what we want",
    **{("cluster", field): AUTO_MODE for field in ("auto_mode", "node_pools", "node_role_arn")},
    ("cluster", "key_arn"): "EKS takes no key back; tests of the key cover it",
    ("access-entry", "policies"): entry_policies,
    ("access-entry", "groups"): entry_groups,
    ("access-entry", "user_name"): "compared only where the config has one; tests of the kind cover it",
    ("addon", "configuration"): addon(configurationValues='{"enableNetworkPolicy":"false"}'),
    ("addon", "roles"): addon(podIdentityAssociations=[]),
    ("addon", "version"): "compared only where the config pins one; tests of the kind cover it",
    ("addon", "state"): "EKS's own word for an update that failed; tests of the kind cover it",
    ("addon", "service_account_role"): "compared only where the config names one; tests of the kind cover it",
    ("addon", "preserve"): "a tag that counts only when the add-on goes; tests of the kind cover it",
    ("pod-identity-association", "role_arn"): bond_role,
}
