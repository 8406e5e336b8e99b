"""From the config to the steps: which resources a stack has, what they are called, and what each waits for.

Pure. The order is nobody's decision but the graph's: a step needs what it cannot be made without, and nothing more.
So roles, network, logs, bucket and repository begin at once; the cluster waits for its role, its subnets and its log
group but not for the NAT gateway, which comes up beside it; node groups wait for the cluster and for a way out to the
internet but not for add-ons, which wait for them instead, in their own time (a node without its CNI is merely not
ready yet). Taking down is the same graph the other way round, and access entries outlive node groups and add-ons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from eksprov.config.ranges import private_range, public_range
from eksprov.core.step import Step
from eksprov.steps import roles
from eksprov.steps.access_entry import AccessEntry
from eksprov.steps.addon import Addon
from eksprov.steps.bucket import Bucket
from eksprov.steps.choices import Choices, Zone
from eksprov.steps.cluster import Cluster
from eksprov.steps.elastic_ip import ElasticIp
from eksprov.steps.iam_role import IamRole
from eksprov.steps.internet_gateway import InternetGateway
from eksprov.steps.log_group import LogGroup, log_group_name
from eksprov.steps.nat_gateway import NatGateway
from eksprov.steps.nodegroup import NodeGroup
from eksprov.steps.pod_identity_association import PodIdentityAssociation
from eksprov.steps.repository import Repository
from eksprov.steps.route_table import RouteTable
from eksprov.steps.subnet import Subnet
from eksprov.steps.vpc import Vpc

if TYPE_CHECKING:
    from eksprov.config.schema import Config

AnyStep = Step[Any, Any]

VPC, INTERNET, LOGS, CLUSTER = "vpc", "internet-gateway", "log-group", "cluster"
ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
CNI, CNI_ACCOUNT = "vpc-cni", "aws-node"
ADDONS = (CNI, "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server")
# A NetworkPolicy means nothing until the CNI enforces it
# (https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html); the value is a string.
CONFIGURATION = {CNI: '{"enableNetworkPolicy":"true"}'}


def catalog(config: Config, choices: Choices) -> tuple[AnyStep, ...]:
    """Every step of the stack but those of its models."""
    groups, addons = tuple(_node_groups(config, choices)), tuple(_addons(config, choices))
    return (
        *_network(config, choices),
        *roles.stack_roles(config.name, choices),
        Bucket(name="bucket/models", slug=bucket_name(config, choices), partition=choices.partition),
        Repository(name="repository/models", slug=f"{config.name}/models"),
        LogGroup(
            name=LOGS, slug=log_group_name(cluster_name(config)), retention_days=config.cluster.log_retention_days
        ),
        _cluster(config, choices),
        *_access(config, choices, (*(step.name for step in groups), *(step.name for step in addons))),
        *addons,
        *groups,
    )


def cluster_name(config: Config) -> str:
    """The cluster is called like its stack."""
    return config.name


def bucket_name(config: Config, choices: Choices) -> str:
    """Bucket names are the whole partition's, hence account and region; at most 63 characters."""
    return f"{config.name}-models-{choices.account}-{choices.region}"


def model_role(config: Config, choices: Choices, model: str) -> IamRole:
    """The role of a model's pods."""
    return roles.model_role(config.name, choices, model, bucket_name(config, choices))


def model_association(config: Config, model: str, namespace: str, service_account: str) -> PodIdentityAssociation:
    """The bond between a model's service account and its role."""
    role = f"model/{model}/role"
    return PodIdentityAssociation(
        name=f"model/{model}/pod-identity",
        slug=f"{cluster_name(config)}/{namespace}/{service_account}",
        role=role,
        needs=(role, CLUSTER),
    )


def _subnets(choices: Choices, side: str) -> tuple[str, ...]:
    return tuple(f"subnet/{side}-{number}" for number in range(1, len(choices.zones) + 1))


def _network(config: Config, choices: Choices) -> Iterator[AnyStep]:
    stack, vpc = config.name, IPv4Network(config.network.vpc_cidr)
    yield Vpc(name=VPC, slug=f"{stack}-vpc", cidr=str(vpc))
    yield InternetGateway(name=INTERNET, slug=f"{stack}-internet", vpc=VPC, needs=(VPC,))
    public, private = _subnets(choices, "public"), _subnets(choices, "private")
    yield _table(stack, "public", INTERNET, public)
    for index, zone in enumerate(choices.zones):
        number = index + 1
        yield _subnet(stack, public[index], public_range(vpc, index), zone, public=True)
        yield _subnet(stack, private[index], private_range(vpc, index), zone, public=False)
        nat = number if config.network.nat_gateways == "per_zone" else 1
        if nat == number:
            address, needs = f"elastic-ip/{nat}", (INTERNET, public[index])
            yield ElasticIp(name=address, slug=f"{stack}-nat-{nat}", needs=(INTERNET,))
            yield NatGateway(
                name=f"nat-gateway/{nat}",
                slug=f"{stack}-nat-{nat}",
                subnet=public[index],
                elastic_ip=address,
                needs=(*needs, address),
            )
        yield _table(stack, f"private-{number}", f"nat-gateway/{nat}", (private[index],))


def _subnet(stack: str, name: str, cidr: IPv4Network, zone: Zone, *, public: bool) -> Subnet:
    slug = f"{stack}-{name.removeprefix('subnet/')}"
    return Subnet(name=name, slug=slug, vpc=VPC, cidr=str(cidr), zone_id=zone.id, public=public, needs=(VPC,))


def _table(stack: str, side: str, gateway: str, subnets: tuple[str, ...]) -> RouteTable:
    return RouteTable(
        name=f"route-table/{side}",
        slug=f"{stack}-{side}",
        vpc=VPC,
        gateway=gateway,
        subnets=subnets,
        needs=(VPC, gateway, *subnets),
    )


def _cluster(config: Config, choices: Choices) -> Cluster:
    subnets = (*_subnets(choices, "private"), *_subnets(choices, "public"))
    return Cluster(
        name=CLUSTER,
        slug=cluster_name(config),
        version=choices.kubernetes_version,
        role=roles.CLUSTER,
        subnets=subnets,
        service_cidr=config.cluster.service_ipv4_cidr,
        public_access=config.cluster.endpoint_public_access,
        private_access=config.cluster.endpoint_private_access,
        public_cidrs=config.cluster.public_access_cidrs,
        log_types=config.cluster.log_types,
        support_type=config.cluster.support_type,
        deletion_protection=config.cluster.deletion_protection,
        needs=(roles.CLUSTER, LOGS, *subnets),
    )


def _access(config: Config, choices: Choices, outlives: tuple[str, ...]) -> Iterator[AccessEntry]:
    """One entry a principal; without `access:` the recorded admin has the only one."""
    granted: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for entry in config.access:
        granted.setdefault(entry.principal_arn, []).append((entry.policy, entry.namespaces))
    for principal, policies in (granted or {choices.admin_principal_arn: [(ADMIN_POLICY, ())]}).items():
        yield AccessEntry(
            name=access_name(principal),
            slug=f"{cluster_name(config)}/{principal}",
            partition=choices.partition,
            policies=tuple(policies),
            needs=(CLUSTER,),
            outlives=outlives,
        )


def access_name(principal: str) -> str:
    """The last part of the principal's ARN, and of its hash: two paths may end alike."""
    return f"access-entry/{principal.rsplit('/', 1)[-1]}-{hashlib.sha256(principal.encode()).hexdigest()[:6]}"


def _addons(config: Config, choices: Choices) -> Iterator[Addon]:
    versions = {addon.name: addon.version for addon in config.addons}
    nodes = any(group.desired_size for group in config.node_groups)
    for addon in dict.fromkeys((*ADDONS, *versions)):
        cni = addon == CNI
        yield Addon(
            name=f"addon/{addon}",
            slug=f"{cluster_name(config)}/{addon}",
            version=versions.get(addon),
            kubernetes_version=choices.kubernetes_version,
            configuration=CONFIGURATION.get(addon, "{}"),
            roles=((CNI_ACCOUNT, roles.VPC_CNI),) if cni else (),
            nodes_expected=nodes,
            awaits=tuple(f"node-group/{group.name}" for group in config.node_groups if group.desired_size),
            needs=(CLUSTER, roles.VPC_CNI) if cni else (CLUSTER,),
        )


def _node_groups(config: Config, choices: Choices) -> Iterator[NodeGroup]:
    subnets = _subnets(choices, "private")
    ways_out = ("route-table/public", *(f"route-table/private-{n}" for n in range(1, len(subnets) + 1)))
    for group in config.node_groups:
        yield NodeGroup(
            name=f"node-group/{group.name}",
            slug=f"{cluster_name(config)}/{group.name}",
            role=roles.NODE,
            subnets=subnets,
            instance_types=group.instance_types,
            capacity_type=group.capacity_type,
            disk_gib=group.disk_size_gib,
            min_size=group.min_size,
            desired_size=group.desired_size,
            max_size=group.max_size,
            labels=tuple(sorted(group.labels.items())),
            taints=tuple((taint.key, taint.value, taint.effect) for taint in group.taints),
            needs=(CLUSTER, roles.NODE, *subnets, *ways_out),
        )
