"""EKS add-ons and their versions: a fixed sample for the local world, no list to rely on.

The version strings are published ones, gathered from https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html,
…/managing-coredns.html, …/managing-vpc-cni.html and from public configurations that pin them. Which of them are
the newest or the default on the real EKS changes all the time: there, DescribeAddonVersions is to be asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import NAMES

SAME_FOR_ALL = "*"


@dataclass(frozen=True)
class Kind:
    """One add-on: its type, versions newest first (by Kubernetes version, or `*` for all), and pod identities.

    `identities` maps service accounts to the managed policy that AWS recommends for them.
    """

    type: str
    versions: dict[str, tuple[str, ...]]
    properties: tuple[str, ...] = ()
    identities: tuple[tuple[str, str], ...] = ()


CATALOG: dict[str, Kind] = {
    "vpc-cni": Kind(
        "networking",
        {SAME_FOR_ALL: ("v1.22.3-eksbuild.1", "v1.21.1-eksbuild.3", "v1.20.4-eksbuild.1")},
        ("enableNetworkPolicy", "env", "init", "nodeAgent", "resources", "tolerations", "eniConfig", "podAnnotations"),
        (("aws-node", "AmazonEKS_CNI_Policy"),),
    ),
    "kube-proxy": Kind(
        "networking",
        {
            "1.36": ("v1.36.0-eksbuild.14", "v1.36.0-eksbuild.9"),
            "1.35": ("v1.35.0-eksbuild.2", "v1.35.0-eksbuild.1"),
            "1.34": ("v1.34.1-eksbuild.2",),
            "1.33": ("v1.33.7-eksbuild.2", "v1.33.5-eksbuild.2"),
        },
        ("ipvs", "mode", "resources", "podAnnotations", "tolerations"),
    ),
    "coredns": Kind(
        "networking",
        {
            "1.36": ("v1.14.3-eksbuild.3",),
            "1.35": ("v1.13.2-eksbuild.1",),
            "1.34": ("v1.13.1-eksbuild.1", "v1.12.4-eksbuild.1"),
            "1.33": ("v1.12.4-eksbuild.1",),
        },
        ("autoScaling", "replicaCount", "nodeSelector", "resources", "tolerations", "affinity", "corefile"),
    ),
    "eks-pod-identity-agent": Kind(
        "security",
        {SAME_FOR_ALL: ("v1.3.10-eksbuild.3", "v1.3.10-eksbuild.2")},
        ("agent", "resources", "tolerations", "affinity"),
    ),
    "metrics-server": Kind(
        "observability",
        {SAME_FOR_ALL: ("v0.8.0-eksbuild.5", "v0.7.2-eksbuild.3")},
        ("replicas", "resources", "tolerations", "nodeSelector", "affinity", "args"),
    ),
    "aws-ebs-csi-driver": Kind(
        "storage",
        {SAME_FOR_ALL: ("v1.63.1-eksbuild.1", "v1.54.0-eksbuild.1")},
        ("controller", "node", "defaultStorageClass", "sidecars"),
        (("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),),
    ),
    "aws-efs-csi-driver": Kind(
        "storage",
        {SAME_FOR_ALL: ("v2.1.15-eksbuild.1",)},
        ("controller", "node", "sidecars"),
        (("efs-csi-controller-sa", "service-role/AmazonEFSCSIDriverPolicy"),),
    ),
    "eks-node-monitoring-agent": Kind(
        "observability", {SAME_FOR_ALL: ("v1.4.2-eksbuild.1",)}, ("monitoringAgent", "dcgmAgent")
    ),
}


def versions_for(name: str, kubernetes: str) -> tuple[str, ...]:
    """The add-on's versions that fit this Kubernetes version, newest first; the first is the default."""
    versions = CATALOG[name].versions
    return versions.get(kubernetes) or versions.get(SAME_FOR_ALL, ())


def check_configuration(name: str, text: str | None) -> dict[str, Any]:
    """The parsed configurationValues; refused where these are no JSON object or hold an unknown key."""
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError:
        raise refusals.invalid("ConfigurationValue is not in valid JSON or YAML format", addonName=name) from None
    if not isinstance(values, dict):
        raise refusals.invalid("ConfigurationValue must be an object", addonName=name)
    if unknown := sorted(set(values) - set(CATALOG[name].properties)):
        raise refusals.invalid(
            "ConfigurationValue is not matched with the Json schema: "
            f"additional properties are not allowed: {', '.join(unknown)}",
            addonName=name,
        )
    return values


def describe_addon_versions(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeAddonVersions."""
    name, kubernetes = ask.get("addonName"), ask.get("kubernetesVersion")
    if name and name not in CATALOG:
        raise refusals.not_found(f"Addon {name} specified is not supported", addonName=name)
    if kubernetes and kubernetes not in NAMES:
        raise refusals.invalid(f"Kubernetes version {kubernetes} is not supported")
    fits = {"owners": "aws", "publishers": "eks"}
    found = []
    for each, kind in CATALOG.items():
        if name not in (None, each) or any(value not in (ask.get(key) or [value]) for key, value in fits.items()):
            continue
        if kind.type not in (ask.get("types") or [kind.type]):
            continue
        found.append(_addon(each, kind, (kubernetes,) if kubernetes else NAMES))
    return region.page("addons", found, ask)


def describe_addon_configuration(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeAddonConfiguration: the top-level keys that are known here."""
    del region
    name, version = ask["addonName"], ask["addonVersion"]
    if name not in CATALOG or not any(version in each for each in CATALOG[name].versions.values()):
        raise refusals.not_found(f"Addon {name} with version {version} is not supported", addonName=name)
    schema = {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: {} for key in CATALOG[name].properties},
    }
    identities = [
        {"serviceAccount": account, "recommendedManagedPolicies": [f"arn:aws:iam::aws:policy/{policy}"]}
        for account, policy in CATALOG[name].identities
    ]
    answer: dict[str, Any] = {"addonName": name, "addonVersion": version, "configurationSchema": json.dumps(schema)}
    return answer | ({"podIdentityConfiguration": identities} if identities else {})


def _addon(name: str, kind: Kind, kubernetes: tuple[str, ...]) -> Shape:
    fits: dict[str, list[Shape]] = {}
    for each in kubernetes:
        for index, version in enumerate(versions_for(name, each)):
            fits.setdefault(version, []).append(
                {"clusterVersion": each, "platformVersions": ["*"], "defaultVersion": index == 0}
            )
    versions = [
        {
            "addonVersion": version,
            "architecture": ["amd64", "arm64"],
            "computeTypes": ["ec2"],
            "compatibilities": compatibilities,
            "requiresConfiguration": False,
            "requiresIamPermissions": bool(kind.identities),
        }
        for version, compatibilities in fits.items()
    ]
    named = {"addonName": name, "type": kind.type, "publisher": "eks", "owner": "aws"}
    return {**named, "addonVersions": versions, "defaultNamespace": "kube-system"}


OPERATIONS = {
    "DescribeAddonVersions": describe_addon_versions,
    "DescribeAddonConfiguration": describe_addon_configuration,
}
