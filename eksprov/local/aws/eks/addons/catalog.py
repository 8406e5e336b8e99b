"""EKS add-ons and their versions: a fixed sample for the local world, no list to rely on.

The version strings are published ones, gathered from https://docs.aws.amazon.com/eks/latest/userguide/managing-kube-proxy.html,
…/managing-coredns.html, …/managing-vpc-cni.html and from public configurations that pin them. Which of them are
the newest or the default on the real EKS changes all the time: there, DescribeAddonVersions is to be asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # has no types of its own

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.addons.schemas import SCHEMAS
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import NAMES

SAME_FOR_ALL = "*"


@dataclass(frozen=True)
class Kind:
    """One add-on: its type, versions newest first (by Kubernetes version, or `*` for all), pod identities, namespace.

    `default` is the place of the default version, where there are as many: on AWS it is often not the newest.
    `identities` maps service accounts to the managed policy that AWS recommends for them.
    """

    type: str
    versions: dict[str, tuple[str, ...]]
    identities: tuple[tuple[str, str], ...] = ()
    namespace: str = "kube-system"
    default: int = 0


CATALOG: dict[str, Kind] = {
    "vpc-cni": Kind(
        "networking",
        {SAME_FOR_ALL: ("v1.22.3-eksbuild.1", "v1.21.1-eksbuild.3", "v1.20.4-eksbuild.1")},
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
    ),
    "coredns": Kind(
        "networking",
        {
            "1.36": ("v1.14.3-eksbuild.3",),
            "1.35": ("v1.13.2-eksbuild.1",),
            "1.34": ("v1.13.1-eksbuild.1", "v1.12.4-eksbuild.1"),
            "1.33": ("v1.12.4-eksbuild.1",),
        },
    ),
    "eks-pod-identity-agent": Kind(
        "security",
        {SAME_FOR_ALL: ("v1.3.10-eksbuild.3", "v1.3.10-eksbuild.2")},
    ),
    "metrics-server": Kind(
        "observability",
        {SAME_FOR_ALL: ("v0.8.0-eksbuild.5", "v0.7.2-eksbuild.3")},
    ),
    "aws-ebs-csi-driver": Kind(
        "storage",
        {SAME_FOR_ALL: ("v1.63.1-eksbuild.1", "v1.54.0-eksbuild.1")},
        (("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),),
        default=1,
    ),
    "aws-efs-csi-driver": Kind(
        "storage",
        {SAME_FOR_ALL: ("v2.1.15-eksbuild.1",)},
        (("efs-csi-controller-sa", "service-role/AmazonEFSCSIDriverPolicy"),),
    ),
    "eks-node-monitoring-agent": Kind("observability", {SAME_FOR_ALL: ("v1.4.2-eksbuild.1",)}),
    # The strings of these four are published ones, of whatever Kubernetes version they are.
    # https://github.com/awsdocs/amazon-eks-user-guide/pull/1215
    "aws-fsx-csi-driver": Kind(
        "storage", {SAME_FOR_ALL: ("v1.7.0-eksbuild.1",)}, (("fsx-csi-controller-sa", "AmazonFSxFullAccess"),)
    ),
    # https://github.com/aws/containers-roadmap/issues/2676
    "aws-mountpoint-s3-csi-driver": Kind(
        "storage", {SAME_FOR_ALL: ("v2.0.0-eksbuild.1",)}, (("s3-csi-driver-sa", "AmazonS3ReadOnlyAccess"),)
    ),
    # https://github.com/aws-observability/helm-charts/issues/173
    "amazon-cloudwatch-observability": Kind(
        "observability",
        {SAME_FOR_ALL: ("v3.3.0-eksbuild.1",)},
        (("cloudwatch-agent", "CloudWatchAgentServerPolicy"), ("cloudwatch-agent", "AWSXrayWriteOnlyAccess")),
        "amazon-cloudwatch",
    ),
}


# https://github.com/eksctl-io/eksctl/blob/main/pkg/apis/eksctl.io/v1alpha5/known_addons.go, `ExcludedRegions`
LACKING = {"metrics-server": frozenset({"aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b"})}


def is_offered(region: EksRegion, name: str) -> bool:
    """Whether the region's partition has the add-on."""
    return name in CATALOG and region.partition not in LACKING.get(name, ())


def versions_for(name: str, kubernetes: str) -> tuple[str, ...]:
    """The add-on's versions that fit this Kubernetes version, newest first."""
    versions = CATALOG[name].versions
    return versions.get(kubernetes) or versions.get(SAME_FOR_ALL, ())


def default_version(name: str, kubernetes: str) -> str:
    """What CreateAddon installs where no version is asked for; empty where none fits."""
    versions = versions_for(name, kubernetes)
    return versions[min(CATALOG[name].default, len(versions) - 1)] if versions else ""


def check_configuration(name: str, text: str | None) -> dict[str, Any]:
    """The parsed configurationValues, JSON or YAML; refused where the add-on's schema does not take them.

    The words are AWS's: https://github.com/aws/eks-hybrid/pull/763, https://github.com/cookpad/terraform-aws-eks/pull/331.
    """
    if not text:
        return {}
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        raise refusals.invalid("ConfigurationValue is not in valid JSON or YAML format", addonName=name) from None
    if wrong := list(_violations(name, values)):
        raise refusals.invalid(
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
            f"[{', '.join(wrong)}]",
            addonName=name,
        )
    return dict(values)


def _violations(name: str, values: Any) -> Iterator[str]:
    schema = SCHEMAS[name]
    for error in validator_for(schema)(schema).iter_errors(values):
        unknown = set(error.instance) - set(error.schema.get("properties", {})) if _is_closed(error) else set()
        rest = "is not defined in the schema and the schema does not allow additional properties"
        yield from (f"{error.json_path}.{key}: {rest}" for key in sorted(map(str, unknown)))
        if not unknown:
            yield f"{error.json_path}: {error.message}"


def _is_closed(error: Any) -> bool:
    return bool(error.validator == "additionalProperties" and error.validator_value is False)


def describe_addon_versions(region: EksRegion, ask: Shape) -> dict[str, Any]:
    name, kubernetes = ask.get("addonName"), ask.get("kubernetesVersion")
    if name and not is_offered(region, name):
        raise refusals.not_found(f"Addon {name} specified is not supported", addonName=name)
    if kubernetes and kubernetes not in NAMES:
        raise refusals.invalid(f"Kubernetes version {kubernetes} is not supported")
    fits = {"owners": "aws", "publishers": "eks"}
    found = []
    for each, kind in CATALOG.items():
        if (
            name not in (None, each)
            or not is_offered(region, each)
            or any(value not in (ask.get(key) or [value]) for key, value in fits.items())
        ):
            continue
        if kind.type not in (ask.get("types") or [kind.type]):
            continue
        addon = _addon(each, kind, (kubernetes,) if kubernetes else NAMES)
        found += [addon] if addon["addonVersions"] else []
    return region.page("addons", found, ask)


def describe_addon_configuration(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeAddonConfiguration: the schema as far as it is known here, the same for all versions."""
    name, version = ask["addonName"], ask["addonVersion"]
    if not is_offered(region, name) or not any(version in each for each in CATALOG[name].versions.values()):
        raise refusals.not_found(f"Addon {name} with version {version} is not supported", addonName=name)
    accounts = dict.fromkeys(account for account, _ in CATALOG[name].identities)
    identities = [
        {
            "serviceAccount": account,
            "recommendedManagedPolicies": [
                f"arn:{region.partition}:iam::aws:policy/{policy}"
                for own, policy in CATALOG[name].identities
                if own == account
            ],
        }
        for account in accounts
    ]
    schema = SCHEMAS[name]
    answer: dict[str, Any] = {"addonName": name, "addonVersion": version, "configurationSchema": json.dumps(schema)}
    return answer | ({"podIdentityConfiguration": identities} if identities else {})


def _addon(name: str, kind: Kind, kubernetes: tuple[str, ...]) -> Shape:
    fits: dict[str, list[Shape]] = {}
    for each in kubernetes:
        for version in versions_for(name, each):
            default = version == default_version(name, each)
            fits.setdefault(version, []).append(
                {"clusterVersion": each, "platformVersions": ["*"], "defaultVersion": default}
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
    return {**named, "addonVersions": versions, "defaultNamespace": kind.namespace}


OPERATIONS = {
    "DescribeAddonVersions": describe_addon_versions,
    "DescribeAddonConfiguration": describe_addon_configuration,
}
