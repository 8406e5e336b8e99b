"""An EKS add-on: software that EKS installs in the cluster and keeps in the wanted version and configuration.

An unset version is resolved once, when the add-on is made, to EKS's default or to the newest that it lists; after that
the live version stands, whatever it is, until somebody asks for the versions to move (`follow`). Of the configuration
only the keys that we set are compared. Version and configuration are checked against what EKS itself says before a call
asks for them. A role for the add-on's service account travels in the create call, so its pods never start without it
(https://docs.aws.amazon.com/eks/latest/userguide/add-ons-iam.html).

EKS reports an add-on whose pods find no node as DEGRADED; while nodes are on their way that is waiting, not failure
(https://github.com/terraform-aws-modules/terraform-aws-eks/issues/1765), and where the config has no nodes it is as
good as it gets, and not waited for. So add-ons are called as soon as the cluster stands, and only awaited late. Trouble
that no node will mend (a conflict, a refused right, a failed update) is a difference: tried again, and told in EKS's
words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN, left_to_others
from eksprov.core.describing import known, some
from eksprov.core.names import InCluster, last_part
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.addons import configuration
from eksprov.steps.addons.trouble import WELL, diagnosed, trouble
from eksprov.steps.addons.versions import Policy, compatible
from eksprov.steps.cluster.reading import GONE, issues, names_of, none_if_gone
from eksprov.steps.cluster.rights import found, inside, own_cluster, passing, tagged_anew, tagging
from eksprov.steps.cluster.updates import begun, why_failed

DAEMONS = frozenset({"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "eks-node-monitoring-agent"})  # no Deployment
KEPT = ""  # the version that is not compared: whatever lives is kept
PRESERVE_TAG = "eksprov:preserve-on-delete"  # so that a removal knows it, when the config no longer does
CONFLICTS = {"none": "NONE", "overwrite": "OVERWRITE", "preserve": "PRESERVE"}


def _seen_version(wanted: str, have: AddonFacts) -> str:
    """The policy that is wanted, where the version fulfils it."""
    return wanted if wanted == have.fulfils else have.version


def _seen_configuration(wanted: str, have: AddonFacts) -> str:
    """The part of the live configuration under the keys that we set."""
    live = _parsed(have.configuration)
    return _text({key: live[key] for key in json.loads(wanted) if key in live})


@dataclass(frozen=True)
class AddonFacts:
    """`version` is one, or in what is wanted the policy that is followed, which `fulfils` names where it is met.

    `configuration` is JSON: others may set keys beside those of the config. `roles` are by account; `state` is anything
    but `WELL` where EKS reports trouble that waiting does not mend.
    """

    version: str = field(metadata={"seen": _seen_version})
    configuration: str = field(metadata={"seen": _seen_configuration})
    roles: frozenset[tuple[str, str]]
    service_account_role: str = ""
    preserve: bool = False
    state: str = WELL
    fulfils: str = field(default="", compare=False)
    status: str = field(default="", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Addon(Step[Aws, AddonFacts]):
    """`slug` is "<cluster>/<add-on>"; `roles` are pairs of service account and the step of its role, or the role's ARN.

    `configuration` is JSON; `policy` says which version an unset one is, of those for `kubernetes_version`; with
    `follow` a live one is moved to it; `nodes_expected` is false for a stack without nodes.
    """

    kind: ClassVar[str] = "addon"
    # its pods run on the nodes; EKS charges nothing for it
    billing: ClassVar[Billing | None] = UNBILLED
    # Deleted in motion: once the nodes are gone it waits for them in vain.
    traits: ClassVar[Traits] = Traits(
        inside=True, tags_at=("eks", "arn"), recreate_failed=True, delete_in_motion=True, serves_workloads=True
    )
    timing: ClassVar[Timing] = Timing(create_s=20, delete_s=15, create_limit_s=1500, update_limit_s=3600)

    version: str | None = None
    policy: Policy = "default"
    follow: bool = False
    kubernetes_version: str = ""
    configuration: str = "{}"
    roles: tuple[tuple[str, str], ...] = ()
    service_account_role: str = ""
    conflicts: str = "overwrite"
    preserve: bool = False
    nodes_expected: bool = True

    @property
    def _key(self) -> dict[str, Any]:
        at = InCluster.parse(self.slug)
        return {"clusterName": at.cluster, "addonName": at.name}

    def desired(self, outputs: Outputs) -> AddonFacts:
        """The pinned version, the policy that is followed or none; our configuration; the roles."""
        roles = frozenset(
            (account, role if role.startswith("arn:") else outputs.get(role, "arn")) for account, role in self.roles
        )
        return AddonFacts(
            version=self.version or (self._followed if self.follow else KEPT),
            configuration=_text(json.loads(self.configuration)),
            roles=roles,
            service_account_role=self.service_account_role,
            preserve=self.preserve,
            unmanaged=left_to_others(
                version=not (self.version or self.follow), service_account_role=not self.service_account_role
            ),
        )

    def describe(self, want: AddonFacts) -> str:
        """What is created, for the plan."""
        version = f"the {self.policy} version"
        if self.kubernetes_version and UNKNOWN not in self.kubernetes_version:
            version = f"{version} for Kubernetes {self.kubernetes_version}"
        configured = "configured" if want.configuration != "{}" else ""
        roles = f"with a role for {some(account for account, _ in want.roles)}" if want.roles else ""
        return known(self.version or version, configured, roles)

    def discover(self, aws: Aws, *, fresh: bool = False) -> AddonFacts | None:
        """One DescribeAddon, and one reading for each role it has."""
        return none_if_gone(lambda: self._read(aws))

    def _read(self, aws: Aws) -> AddonFacts:
        addon = aws.clients.eks.describe_addon(**self._key)["addon"]
        associations = addon.get("podIdentityAssociations") or ()
        return AddonFacts(
            version=addon["addonVersion"],
            configuration=addon.get("configurationValues") or "{}",
            roles=frozenset(role for arn in associations for role in self._role(aws, arn)),
            service_account_role=addon.get("serviceAccountRoleArn", ""),
            preserve=PRESERVE_TAG in addon.get("tags", {}),
            state=trouble(addon["status"], issues(addon.get("health"))),
            fulfils=self._fulfils(aws, addon["addonVersion"]),
            status=addon["status"],
            health=issues(addon.get("health")),
            arn=addon["addonArn"],
            owner=owner_of(addon.get("tags")),
        )

    def create(self, aws: Aws, want: AddonFacts, token: str) -> dict[str, str]:
        """Send CreateAddon once IAM's new role is visible to EKS; nothing is awaited."""
        request = {
            **self._key,
            "addonVersion": self._checked(aws, self.version),
            # PRESERVE means NONE on a create: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html
            "resolveConflicts": "OVERWRITE" if self.conflicts == "overwrite" else "NONE",
            "clientRequestToken": token,
            "tags": {**aws.tags(self.name), **({PRESERVE_TAG: "true"} if want.preserve else {})},
            **_settings(want, None),
        }
        eks = aws.clients.eks
        none_if(
            lambda: eventually(aws, lambda: eks.create_addon(**request), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",  # the proof tells whose it is
        )
        return {}

    def update(self, aws: Aws, want: AddonFacts, have: AddonFacts, fields: tuple[str, ...]) -> str | None:
        """All of it in one call but the tag; keys of the configuration that are not ours stay."""
        if "preserve" in fields:
            self._mark(aws, have.arn, preserve=want.preserve)
        if fields == ("preserve",):
            return None
        moves = want.version != KEPT
        if moves or "configuration" in fields:
            version = self._checked(aws, self.version if moves else have.version, listed=moves)
        request = {**self._key, "resolveConflicts": CONFLICTS[self.conflicts], **_settings(want, have)}
        if moves:
            request["addonVersion"] = version
        answer = eventually(
            aws, lambda: aws.clients.eks.update_addon(**request), (*ROLE_NOT_VISIBLE, *EKS_BUSY), limit_s=ROLE_LIMIT_S
        )
        return begun(answer)

    def update_limit_s(self, want: AddonFacts, have: AddonFacts) -> float:
        """An hour, Terraform's usual deadline for it; one in creation has a creation's time."""
        return self.timing.create_limit_s if have.status == "CREATING" else self.timing.update_limit_s

    def open_to_change(self, have: AddonFacts) -> bool:
        """EKS takes an update of one whose pods find no node."""
        return have.status == "DEGRADED"

    def why_failed(self, aws: Aws, update: str) -> str:
        return why_failed(aws, self._key["clusterName"], update, addonName=self._key["addonName"])

    def delete(self, aws: Aws, have: AddonFacts) -> None:
        """The add-on with its software, unless that is to be preserved."""
        eks, key = aws.clients.eks, {**self._key, **({"preserve": True} if have.preserve else {})}
        eventually(aws, lambda: none_if_gone(lambda: eks.delete_addon(**key)), EKS_BUSY, limit_s=BUSY_LIMIT_S)

    def phase(self, have: AddonFacts) -> Phase:
        """A failed update or delete leaves a working add-on: the next difference or removal tries again."""
        said = diagnosed(have.health)
        match have.status:
            case "CREATING" | "UPDATING" if not self.nodes_expected and self._key["addonName"] not in DAEMONS:
                return Phase(PhaseState.READY, said or "its pods wait for nodes, and the config has none")
            case "CREATING" | "UPDATING":
                return Phase(PhaseState.MOVING, said or f"EKS is {have.status.lower()} it, until all its pods run")
            case "DEGRADED" if self.nodes_expected and have.state == WELL:
                return Phase(PhaseState.MOVING, f"waiting for nodes ({said})" if said else "waiting for nodes")
            case "DELETING":
                return Phase(PhaseState.LEAVING, "EKS removes it")
            case "CREATE_FAILED":
                return Phase(PhaseState.FAILED, said or "EKS could not install it and does not say why")
        return Phase(PhaseState.READY, said) if said else READY

    def outputs(self, have: AddonFacts) -> dict[str, str]:
        return {"version": have.version, "arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The add-ons of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                pages = eks.get_paginator("list_addons").paginate(clusterName=cluster)
                for name in [name for page in pages for name in page["addons"]]:
                    addon = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
                    owner = owner_of(addon.get("tags"))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(cls.kind, str(InCluster(cluster, name)), addon["addonArn"], owner)

    def _role(self, aws: Aws, association_arn: str) -> list[tuple[str, str]]:
        """Service account and role of an association; none where it goes before its add-on does."""
        eks, cluster, own_id = aws.clients.eks, self._key["clusterName"], last_part(association_arn)
        found = none_if_gone(lambda: eks.describe_pod_identity_association(clusterName=cluster, associationId=own_id))
        return [(found["association"]["serviceAccount"], found["association"]["roleArn"])] if found else []

    @property
    def _followed(self) -> str:
        return self.policy.replace("_", " ")

    def _fulfils(self, aws: Aws, live: str) -> str:
        """The policy that is followed, where the live version is the one that it chooses; else nothing."""
        if self.version or not self.follow:
            return ""
        fits = compatible(aws, self._key["addonName"], self.kubernetes_version)
        return self._followed if fits.chosen(self.policy) in ("", live) else ""

    def _checked(self, aws: Aws, version: str | None, *, listed: bool = True) -> str:
        """The version to ask for, once EKS lists it (`listed`) and its schema takes our configuration.

        Raises: ProvisioningError naming what would do.
        """
        addon = self._key["addonName"]
        if listed:
            fits = compatible(aws, addon, self.kubernetes_version)
            fits.require(self.name, version or "")
            version = version or fits.chosen(self.policy)
        configuration.require(aws, self.name, addon, version or "", json.loads(self.configuration))
        return version or ""

    def _mark(self, aws: Aws, arn: str, *, preserve: bool) -> None:
        """Say on the add-on itself what its removal is to leave."""
        if preserve:
            aws.clients.eks.tag_resource(resourceArn=arn, tags={PRESERVE_TAG: "true"})
        else:
            aws.clients.eks.untag_resource(resourceArn=arn, tagKeys=[PRESERVE_TAG])

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """An add-on's associations are EKS's to make, in the caller's name
        (https://docs.aws.amazon.com/eks/latest/userguide/update-addon-role.html)."""
        own, bonds = inside(place, "addon"), inside(place, "podidentityassociation")
        association = on(own_cluster(place), "eks:CreatePodIdentityAssociation")
        read = (
            *on(own, "eks:DescribeAddon"),
            *on(bonds, "eks:DescribePodIdentityAssociation"),
        )
        return Rights(
            read=read,
            make=(
                *on(ANYTHING, "eks:DescribeAddonConfiguration", "eks:DescribeAddonVersions"),
                *on(own_cluster(place), "eks:CreateAddon", condition=place.requested),
                *tagging(place, own),
                *association,
                *passing(place),
            ),
            change=(
                *on(own, "eks:UpdateAddon"),
                *on(own, "eks:UntagResource", condition=place.owned),
                *on((*own_cluster(place), *own), "eks:DescribeUpdate"),
                *tagging(place, own),
                *association,
                *on(bonds, "eks:UpdatePodIdentityAssociation", "eks:DeletePodIdentityAssociation"),
                *passing(place),
            ),
            delete=(*on(own, "eks:DeleteAddon"), *on(bonds, "eks:DeletePodIdentityAssociation")),
            list_owned=(*found(place), *on(own_cluster(place), "eks:ListAddons"), *on(own, "eks:DescribeAddon")),
            tag=tagged_anew(place),
            lock=read,
        )


def _settings(want: AddonFacts, have: AddonFacts | None) -> dict[str, Any]:
    """What create and update share: our configuration over the live one, and the roles where they change."""
    settings: dict[str, Any] = {}
    if values := {**_parsed(have.configuration if have else "{}"), **json.loads(want.configuration)}:
        settings["configurationValues"] = _text(values)
    if want.service_account_role and want.service_account_role != (have.service_account_role if have else ""):
        settings["serviceAccountRoleArn"] = want.service_account_role
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
