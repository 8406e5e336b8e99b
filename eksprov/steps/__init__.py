"""What exists in AWS, kind by kind, one file each.

In comes a config (`catalog`) and what was settled when the stack was made (`settled`); out come steps that `core`
compares and walks. Every call to AWS is made here, through `aws`; nothing is decided here but what one kind knows of
itself. Tags name the owner from the first call on.
"""

from __future__ import annotations

from eksprov.core.step import AnyStep
from eksprov.steps.addons.addon import Addon
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.cluster.endpoint import ClusterEndpoint
from eksprov.steps.identity.access_entry import AccessEntry
from eksprov.steps.identity.existing_role import ExistingRole
from eksprov.steps.identity.iam_role import IamRole
from eksprov.steps.identity.node_access_entry import NodeAccessEntry
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation
from eksprov.steps.identity.service_linked_role import ServiceLinkedRole
from eksprov.steps.monitoring.alarm import Alarm
from eksprov.steps.monitoring.dashboard import Dashboard
from eksprov.steps.monitoring.event_rule import EventRule
from eksprov.steps.monitoring.log_group import LogGroup
from eksprov.steps.monitoring.queue import Queue
from eksprov.steps.monitoring.topic import Topic
from eksprov.steps.network.egress_only_internet_gateway import EgressOnlyInternetGateway
from eksprov.steps.network.elastic_ip import ElasticIp
from eksprov.steps.network.existing_subnet import ExistingSubnet
from eksprov.steps.network.existing_vpc import ExistingVpc
from eksprov.steps.network.internet_gateway import InternetGateway
from eksprov.steps.network.nat_gateway import NatGateway
from eksprov.steps.network.route_table import RouteTable
from eksprov.steps.network.security_group import SecurityGroup
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.network.vpc import Vpc
from eksprov.steps.network.vpc_endpoint import VpcEndpoint
from eksprov.steps.node_groups.asg_tags import AsgTags
from eksprov.steps.node_groups.launch_template import LaunchTemplate
from eksprov.steps.node_groups.node_group import NodeGroup
from eksprov.steps.node_groups.placement_group import PlacementGroup
from eksprov.steps.storage.bucket import Bucket
from eksprov.steps.storage.kms_key import KmsKey
from eksprov.steps.storage.repository import Repository

KINDS: tuple[type[AnyStep], ...] = (
    ExistingVpc,
    ExistingSubnet,
    ExistingRole,
    Vpc,
    Subnet,
    InternetGateway,
    EgressOnlyInternetGateway,
    ElasticIp,
    NatGateway,
    RouteTable,
    SecurityGroup,
    VpcEndpoint,
    IamRole,
    ServiceLinkedRole,
    KmsKey,
    Bucket,
    Repository,
    LogGroup,
    Cluster,
    ClusterEndpoint,
    AccessEntry,
    NodeAccessEntry,
    Addon,
    PlacementGroup,
    LaunchTemplate,
    NodeGroup,
    AsgTags,
    PodIdentityAssociation,
    Queue,
    EventRule,
    Topic,
    Alarm,
    Dashboard,
)
"""All kinds, in the order of creation."""
