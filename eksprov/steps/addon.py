"""An EKS add-on: software that EKS installs in the cluster and keeps in the wanted version and configuration.

An unset version is resolved once, when the add-on is made, to EKS's default for the cluster's version; after that the
live version stands, whatever it is. Of the configuration only the keys that we set are compared. A role for the
add-on's service account travels in the create call, so its pods never start without it
(https://docs.aws.amazon.com/eks/latest/userguide/add-ons-iam.html).

EKS reports an add-on whose pods find no node as DEGRADED; while nodes are on their way that is waiting, not failure
(https://github.com/terraform-aws-modules/terraform-aws-eks/issues/1765), and where the config has no nodes it is as
good as it gets. So add-ons are called as soon as the cluster stands, and only awaited late.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.session import Aws
from eksprov.aws.tags import owner_of
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.change import UNKNOWN
from eksprov.core.step import READY, Outputs, Owner, Phase, Sighting, State, Step, Timing
from eksprov.steps.absent import unless
from eksprov.steps.eks_reading import GONE, in_words, issues, names_of, unless_gone

KEPT = ""  # the version that is not compared: whatever lives is kept


@dataclass(frozen=True)
class AddonFacts:
    """`version` counts only where one is pinned; `configuration` is JSON of the keys we set; `roles` by account."""

    version: str
    configuration: str
    roles: frozenset[tuple[str, str]]
    live_version: str = field(default="", compare=False)
    live_configuration: str = field(default="", compare=False)
    status: str = field(default="", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Addon(Step[Aws, AddonFacts]):
    """`slug` is "<cluster>/<add-on>"; `roles` are pairs of service account and the step of its role.

    `configuration` is JSON; `kubernetes_version` picks the default version; `nodes_expected` is false for a stack
    without nodes.
    """

    kind: ClassVar[str] = "addon"
    timing: ClassVar[Timing] = Timing(create_s=20, delete_s=15, create_limit_s=1500)
    recreate_failed: ClassVar[bool] = True
    delete_in_motion: ClassVar[bool] = True  # once the nodes are gone it waits for them in vain

    version: str | None = None
    kubernetes_version: str = ""
    configuration: str = "{}"
    roles: tuple[tuple[str, str], ...] = ()
    nodes_expected: bool = True

    @property
    def _key(self) -> dict[str, Any]:
        cluster, addon = self.slug.split("/", 1)
        return {"clusterName": cluster, "addonName": addon}

    def desired(self, outputs: Outputs) -> AddonFacts:
        """The pinned version or none, our configuration, the roles of this stack."""
        roles = frozenset((account, outputs.get(step, "arn")) for account, step in self.roles)
        return AddonFacts(self.version or KEPT, _text(json.loads(self.configuration)), roles)

    def discover(self, aws: Aws, *, fresh: bool = False) -> AddonFacts | None:  # noqa: ARG002 -- one call, or a few
        """One DescribeAddon, and one reading for each role it has."""
        return unless_gone(lambda: self._read(aws))

    def _read(self, aws: Aws) -> AddonFacts:
        addon = aws.clients.eks.describe_addon(**self._key)["addon"]
        live = addon.get("configurationValues") or "{}"
        associations = addon.get("podIdentityAssociations") or ()
        return AddonFacts(
            version=addon["addonVersion"] if self.version else KEPT,
            configuration=_text(_shared(json.loads(self.configuration), _parsed(live))),
            roles=frozenset(role for arn in associations for role in self._role(aws, arn)),
            live_version=addon["addonVersion"],
            live_configuration=live,
            status=addon["status"],
            health=issues(addon.get("health")),
            arn=addon["addonArn"],
            owner=owner_of(addon.get("tags")),
        )

    def create(self, aws: Aws, want: AddonFacts, token: str) -> dict[str, str]:
        """Send CreateAddon once IAM's new role is visible to EKS; nothing is awaited."""
        request = {
            **self._key,
            "addonVersion": want.version or self._default_version(aws),
            "resolveConflicts": "OVERWRITE",
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
            **_settings(want, None),
        }
        eks = aws.clients.eks
        unless(
            lambda: eventually(aws, lambda: eks.create_addon(**request), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",  # the proof tells whose it is
        )
        return {}

    def update(self, aws: Aws, want: AddonFacts, have: AddonFacts, fields: tuple[str, ...]) -> None:  # noqa: ARG002
        """All of it in one call; keys of the configuration that are not ours stay."""
        request = {**self._key, "resolveConflicts": "OVERWRITE", **_settings(want, have)}
        if want.version:
            request["addonVersion"] = want.version
        eventually(
            aws, lambda: aws.clients.eks.update_addon(**request), (*ROLE_NOT_VISIBLE, *EKS_BUSY), limit_s=ROLE_LIMIT_S
        )

    def delete(self, aws: Aws, have: AddonFacts) -> None:  # noqa: ARG002 -- the name says it all
        """The add-on with its software."""
        eks = aws.clients.eks
        eventually(aws, lambda: unless_gone(lambda: eks.delete_addon(**self._key)), EKS_BUSY, limit_s=BUSY_LIMIT_S)

    def phase(self, have: AddonFacts) -> Phase:
        """A failed update or delete leaves a working add-on: the next difference or removal tries again."""
        said = in_words(have.health)
        match have.status:
            case "CREATING" | "UPDATING":
                return Phase(State.MOVING, said or have.status.lower())
            case "DEGRADED" if self.nodes_expected:
                return Phase(State.MOVING, f"waiting for nodes ({said})" if said else "waiting for nodes")
            case "DELETING":
                return Phase(State.LEAVING, "EKS removes it")
            case "CREATE_FAILED":
                return Phase(State.FAILED, said or "EKS could not install it and does not say why")
        return Phase(State.READY, said) if said else READY

    def outputs(self, have: AddonFacts) -> dict[str, str]:
        """`version` and `arn`."""
        return {"version": have.live_version, "arn": have.arn}

    @classmethod
    def survey(cls, aws: Aws, stack: str) -> Iterable[Sighting]:
        """The add-ons of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                pages = eks.get_paginator("list_addons").paginate(clusterName=cluster)
                for name in [name for page in pages for name in page["addons"]]:
                    addon = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
                    owner = owner_of(addon.get("tags"))
                    if owner is not None and owner.stack == stack:
                        yield Sighting(cls.kind, f"{cluster}/{name}", addon["addonArn"], owner)

    def _role(self, aws: Aws, association_arn: str) -> list[tuple[str, str]]:
        """Service account and role of an association; none where it goes before its add-on does."""
        eks, cluster, own_id = aws.clients.eks, self._key["clusterName"], association_arn.rsplit("/", 1)[-1]
        found = unless_gone(lambda: eks.describe_pod_identity_association(clusterName=cluster, associationId=own_id))
        return [(found["association"]["serviceAccount"], found["association"]["roleArn"])] if found else []

    def _default_version(self, aws: Aws) -> str:
        """EKS's default for the cluster's version. Raises: ProvisioningError where the add-on has no such version."""
        addon = self._key["addonName"]
        pages = aws.clients.eks.get_paginator("describe_addon_versions").paginate(
            addonName=addon, kubernetesVersion=self.kubernetes_version
        )
        read = unless(lambda: list(pages), GONE, "InvalidParameterException") or []
        versions = [version for page in read for found in page["addons"] for version in found["addonVersions"]]
        default = [v for v in versions if any(c.get("defaultVersion") for c in v.get("compatibilities", []))]
        for version in default or versions:
            return version["addonVersion"]
        raise errors.ProvisioningError(
            f"{self.name}: EKS has no version of the add-on {addon!r} for Kubernetes {self.kubernetes_version}",
            f"`aws eks describe-addon-versions --kubernetes-version {self.kubernetes_version}` lists what there is",
        )


def _settings(want: AddonFacts, have: AddonFacts | None) -> dict[str, Any]:
    """What create and update share: our configuration over the live one, and the roles where they change."""
    settings: dict[str, Any] = {}
    if values := {**_parsed(have.live_configuration if have else "{}"), **json.loads(want.configuration)}:
        settings["configurationValues"] = _text(values)
    if want.roles != (have.roles if have else frozenset()):
        roles = sorted(want.roles)
        settings["podIdentityAssociations"] = [{"serviceAccount": account, "roleArn": arn} for account, arn in roles]
    return settings


def _text(configuration: Any) -> str:
    return json.dumps(configuration, sort_keys=True, separators=(",", ":"))


def _parsed(values: str) -> dict[str, Any]:
    """EKS takes the configuration as JSON or YAML and hands back what it was given."""
    try:
        parsed = json.loads(values)
    except ValueError:
        import yaml

        parsed = yaml.safe_load(values)
    return parsed if isinstance(parsed, dict) else {}


def _shared(ours: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the live configuration under the keys that we set."""
    return {key: live[key] for key in ours if key in live}
