"""The EKS cluster's control plane: the longest wait of a stack, and what everything in it belongs to.

Made with API authentication and without the implicit admin (an access entry of ours says who is), without self-managed
add-ons, with the support type of the config, because EKS's own default carries a surcharge
(https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html). The two bootstrap settings are not
returned by DescribeCluster, so they are not compared.

EKS takes one kind of update at a time (https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html):
`update` sends the first that differs and is called again for the rest. Version, role, service range and the family of
addresses are refused. For IPv6 EKS chooses the service range and makes an endpoint that has addresses of both families
(https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
The subnets count at creation only: later ones must lie in the same zones, which a stack with more zones would break.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, message
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import known
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, FoundResource, Outputs, Phase, PhaseState, Step, Timing, Traits
from eksprov.core.words import plural
from eksprov.steps.cluster import auto_mode
from eksprov.steps.cluster.facts import ClusterFacts, billed_cluster, facts_of
from eksprov.steps.cluster.reading import clusters_of, described_cluster, in_words, none_if_gone
from eksprov.steps.cluster.rights import FOR_AWS, found, own_cluster, passing, service_roles, tagged_anew, tagging
from eksprov.steps.cluster.updates import begun, why_failed
from eksprov.steps.storage.kms_key import KEY_NOT_USABLE

ACCESS = ("public_access", "private_access", "public_cidrs")
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
MOVING = {"CREATING": "EKS builds the control plane", "UPDATING": "EKS changes the control plane", "PENDING": "pending"}


@dataclass(frozen=True, kw_only=True)
class Cluster(Step[Aws, ClusterFacts]):
    """`slug` is the cluster's name, `version` "1.36"; `role`, `vpc` and `subnets` name the steps that make them.

    `key` names the step of the key that encrypts it, `key_arn` is one that no step makes. With `node_pools` it runs EKS
    Auto Mode, and `node_role` names the step of its nodes' role.
    """

    kind: ClassVar[str] = "cluster"
    billing: ClassVar[Billing | None] = Billing(billed_cluster)
    traits: ClassVar[Traits] = Traits(
        tags_at=("eks", "arn"), recreate_failed=True, limited=True, by_name=True, watched=True
    )
    timing: ClassVar[Timing] = Timing(450, 120, create_limit_s=1500, delete_limit_s=1800, update_limit_s=3600)

    version: str = ""
    role: str = ""
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    ip_family: str = "ipv4"
    service_cidr: str = ""
    public_access: bool = True
    private_access: bool = True
    public_cidrs: tuple[str, ...] = ()
    closed_later: bool = False  # who may reach the endpoint is another step's, and it is made open
    log_types: tuple[str, ...] = ()
    support_type: str = "STANDARD"
    deletion_protection: bool = False
    key: str = ""
    key_arn: str = ""
    node_pools: tuple[str, ...] = ()
    node_role: str = ""

    @property
    def replacement(self) -> Replacement:
        return Replacement(Order.NEVER, "all that runs on the cluster would be lost")

    def desired(self, outputs: Outputs) -> ClusterFacts:
        """The config's settings, with the role and the subnets of this stack."""
        return ClusterFacts(
            version=self.version,
            ip_family=self.ip_family,
            role_arn=outputs.get(self.role, "arn"),
            service_cidr=self.service_cidr,
            vpc_id=outputs.get(self.vpc, "id"),
            deletion_protection=self.deletion_protection,
            log_types=frozenset(self.log_types),
            public_access=self.public_access,
            private_access=self.private_access,
            public_cidrs=frozenset(self.public_cidrs if self.public_access else ()),
            support_type=self.support_type,
            key_arn=outputs.get(self.key, "arn") if self.key else self.key_arn,
            auto_mode=bool(self.node_pools),
            node_pools=frozenset(self.node_pools),
            node_role_arn=outputs.get(self.node_role, "arn") if self.node_role else "",
            subnet_ids=tuple(outputs.get(step, "id") for step in self.subnets),
            unmanaged=frozenset(ACCESS if self.closed_later else ()),
        )

    def describe(self, want: ClusterFacts) -> str:
        """What is created, for the plan."""
        api = " and ".join(n for n, on in (("public", want.public_access), ("private", want.private_access)) if on)
        return known(
            "EKS's default Kubernetes" if want.version == UNKNOWN else f"Kubernetes {want.version}",
            "IPv6" if want.ip_family == "ipv6" else "",
            f"{api} endpoint",
            plural(len(want.log_types), "log type"),
            "EKS Auto Mode" if want.auto_mode else "",
        )

    def discover(self, aws: Aws, *, fresh: bool = False) -> ClusterFacts | None:
        cluster = described_cluster(aws, self.slug)
        return facts_of(cluster) if cluster is not None else None

    def create(self, aws: Aws, want: ClusterFacts, token: str) -> dict[str, str]:
        """Send CreateCluster once IAM's new role is visible to EKS. Raises: ProvisioningError for a full zone."""
        from botocore.exceptions import ClientError

        automatic = auto_mode.blocks(want) if want.auto_mode else {}
        network = automatic.pop("kubernetesNetworkConfig", {})
        request: dict[str, Any] = {
            "name": self.slug,
            "version": want.version,
            "roleArn": want.role_arn,
            "resourcesVpcConfig": {"subnetIds": list(want.subnet_ids), **endpoint_request(want)},
            **automatic,
            "kubernetesNetworkConfig": {
                "ipFamily": want.ip_family,
                **({"serviceIpv4Cidr": want.service_cidr} if want.service_cidr else {}),
                **network,
            },
            "logging": _logging(want),
            "accessConfig": {
                "authenticationMode": want.authentication,
                "bootstrapClusterCreatorAdminPermissions": False,
            },
            "bootstrapSelfManagedAddons": False,
            "upgradePolicy": {"supportType": want.support_type},
            "deletionProtection": want.deletion_protection,
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
            **({"encryptionConfig": _encryption(want)} if want.key_arn else {}),
        }
        passing = (*ROLE_NOT_VISIBLE, *KEY_NOT_USABLE)
        try:
            answer = eventually(aws, lambda: aws.clients.eks.create_cluster(**request), passing, limit_s=ROLE_LIMIT_S)
        except ClientError as error:
            raise _wrong_zone(self.name, error) or error from error
        return {"name": self.slug, "arn": answer["cluster"]["arn"], "ip_family": want.ip_family}

    def update(self, aws: Aws, want: ClusterFacts, have: ClusterFacts, fields: tuple[str, ...]) -> str:
        """One kind of update, waiting for a running one to end first."""
        if "key_arn" in fields:
            return self._encrypt(aws, want)
        ids = [self._change(aws, change) for change in _first_updates(want, have, fields)]
        return ids[-1]

    def _change(self, aws: Aws, change: dict[str, Any]) -> str:
        answer = eventually(
            aws,
            lambda: aws.clients.eks.update_cluster_config(name=self.slug, **change),
            (*EKS_BUSY, *ROLE_NOT_VISIBLE),
            limit_s=BUSY_LIMIT_S,
        )
        return begun(answer)

    def update_limit_s(self, want: ClusterFacts, have: ClusterFacts) -> float:
        """An hour, Terraform's usual deadline for it; one in creation has a creation's time."""
        return self.timing.create_limit_s if have.status == "CREATING" else self.timing.update_limit_s

    def why_failed(self, aws: Aws, update: str) -> str:
        return why_failed(aws, self.slug, update)

    def _encrypt(self, aws: Aws, want: ClusterFacts) -> str:
        """A call of its own, for good (https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html)."""
        encryption: Any = _encryption(want)
        answer = eventually(
            aws,
            lambda: aws.clients.eks.associate_encryption_config(clusterName=self.slug, encryptionConfig=encryption),
            (*EKS_BUSY, *KEY_NOT_USABLE),
            limit_s=BUSY_LIMIT_S,
        )
        return begun(answer)

    def refusal(self, want: ClusterFacts, have: ClusterFacts) -> str:
        """A cluster that is encrypted with a key stays so, with this key; Auto Mode keeps its node role."""
        if said := auto_mode.refusal(self.slug, want, have):
            return said
        if not have.key_arn or want.key_arn == have.key_arn:
            return ""
        return (
            f"cluster {self.slug!r} is encrypted with {have.key_arn}, and EKS neither takes a key away nor changes it; "
            "set cluster.kms_key to this key again, or tear down and provision anew"
        )

    def consequence(self, want: ClusterFacts, have: ClusterFacts) -> str:
        """What goes with EKS Auto Mode."""
        return auto_mode.consequence(want, have)

    def delete(self, aws: Aws, have: ClusterFacts) -> None:
        """Waits for updates and node groups to end first. Raises: ProvisioningError while it is protected."""
        if have.deletion_protection:
            raise errors.ProvisioningError(
                f"{self.name}: cluster {self.slug!r} is protected against deletion",
                "set cluster.deletion_protection to false and provision, then tear down",
            )
        eks = aws.clients.eks
        eventually(
            aws, lambda: none_if_gone(lambda: eks.delete_cluster(name=self.slug)), EKS_BUSY, limit_s=BUSY_LIMIT_S
        )

    def phase(self, have: ClusterFacts) -> Phase:
        """By EKS's status; UPDATING is waited for like CREATING."""
        said = in_words(have.health)
        if have.status in MOVING:
            return Phase(PhaseState.MOVING, ": ".join(filter(None, (MOVING[have.status], said))))
        if have.status == "DELETING":
            return Phase(PhaseState.LEAVING, "EKS deletes the control plane")
        if have.status == "FAILED":
            return Phase(PhaseState.FAILED, said or "EKS could not build the control plane and does not say why")
        return Phase(PhaseState.READY, said) if said else READY

    def protection(self, have: ClusterFacts) -> str:
        """EKS refuses to delete a cluster while its deletion protection is on."""
        return f"cluster {self.slug!r} is protected against deletion" if have.deletion_protection else ""

    def outputs(self, have: ClusterFacts) -> dict[str, str]:
        """Name, ARN, version, endpoint, `certificate_authority` (base64), security group, VPC, issuer, addresses."""
        return dict(have.known)

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The clusters whose tags name the stack."""
        for cluster, owner in clusters_of(aws, stack):
            yield FoundResource(cls.kind, cluster["name"], cluster["arn"], owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        encrypted = any(step.key or step.key_arn for step in place.of(cls))
        late = on(own_cluster(place), "eks:AssociateEncryptionConfig") if encrypted else ()
        keys = sorted({step.key_arn for step in place.of(cls)} - {""})
        asked = (
            *on(keys, "kms:DescribeKey"),
            *on(keys, "kms:CreateGrant", condition=(FOR_AWS,)),
        )  # in the caller's name
        return Rights(
            read=on(own_cluster(place), "eks:DescribeCluster"),
            make=(
                *on(ANYTHING, "eks:CreateCluster", condition=(*place.requested, *place.here)),
                *tagging(place, own_cluster(place)),
                *passing(place),
                *service_roles(place),
                *asked,
            ),
            change=(*on(own_cluster(place), "eks:UpdateClusterConfig", "eks:DescribeUpdate"), *late, *asked),
            delete=on(own_cluster(place), "eks:DeleteCluster"),
            list_owned=found(place),
            tag=tagged_anew(place),
            check=on(ANYTHING, "eks:ListClusters"),
        )


def endpoint_request(want: Any) -> dict[str, Any]:
    """Who may reach the endpoint, as EKS takes it."""
    cidrs = {"publicAccessCidrs": sorted(want.public_cidrs)} if want.public_access else {}
    return {"endpointPublicAccess": want.public_access, "endpointPrivateAccess": want.private_access, **cidrs}


def _encryption(want: ClusterFacts) -> list[dict[str, Any]]:
    """From Kubernetes 1.28 on everything is encrypted, whatever `resources` says, but the call wants it."""
    return [{"resources": ["secrets"], "provider": {"keyArn": want.key_arn}}]


def _logging(want: ClusterFacts) -> dict[str, Any]:
    on, off = ([kind for kind in LOG_TYPES if (kind in want.log_types) is enabled] for enabled in (True, False))
    setups = [{"types": kinds, "enabled": enabled} for kinds, enabled in ((on, True), (off, False)) if kinds]
    return {"clusterLogging": setups}


def _first_updates(want: ClusterFacts, have: ClusterFacts, fields: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """What to send now, each waiting for the one before: Auto Mode may need two."""
    one = _first_update(want, fields)
    return (one,) if one else auto_mode.updates(want, have)


def _first_update(want: ClusterFacts, fields: tuple[str, ...]) -> dict[str, Any]:
    """The one block to send now; protection first, the way in last. Empty for those of Auto Mode."""
    if "deletion_protection" in fields:
        return {"deletionProtection": want.deletion_protection}
    if "log_types" in fields:
        return {"logging": _logging(want)}
    if "support_type" in fields:
        return {"upgradePolicy": {"supportType": want.support_type}}
    if "authentication" in fields:
        return {"accessConfig": {"authenticationMode": want.authentication}}
    if auto_mode.FIELDS & set(fields):
        return {}
    return {"resourcesVpcConfig": endpoint_request(want)}


def _wrong_zone(name: str, error: Any) -> errors.ProvisioningError | None:
    if code(error) != "UnsupportedAvailabilityZoneException":
        return None
    zones = ", ".join(error.response.get("validZones") or ()) or "others"
    return errors.ProvisioningError(
        f"{name}: EKS has no room in one of the zones: {message(error)}",
        f"zones that work now: {zones}; put the ids of the others into network.exclude_zone_ids, tear down and "
        "provision again",
    )
