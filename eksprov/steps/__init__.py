"""What exists in AWS, kind by kind, one file each.

In comes a config (`catalog`) and what was settled when the stack was made (`choices`); out come steps that `core`
compares and walks. Every call to AWS is made here, through `aws`; nothing is decided here but what one kind knows of
itself. Tags name the owner from the first call on.
"""

from __future__ import annotations

from eksprov.core.step import AnyStep
from eksprov.steps.access_entry import AccessEntry
from eksprov.steps.addon import Addon
from eksprov.steps.alarm import Alarm
from eksprov.steps.asg_tags import AsgTags
from eksprov.steps.bucket import Bucket
from eksprov.steps.cluster import Cluster
from eksprov.steps.cluster_endpoint import ClusterEndpoint
from eksprov.steps.dashboard import Dashboard
from eksprov.steps.egress_only_internet_gateway import EgressOnlyInternetGateway
from eksprov.steps.elastic_ip import ElasticIp
from eksprov.steps.event_rule import EventRule
from eksprov.steps.existing_role import ExistingRole
from eksprov.steps.existing_subnet import ExistingSubnet
from eksprov.steps.existing_vpc import ExistingVpc
from eksprov.steps.iam_role import IamRole
from eksprov.steps.internet_gateway import InternetGateway
from eksprov.steps.kms_key import KmsKey
from eksprov.steps.launch_template import LaunchTemplate
from eksprov.steps.log_group import LogGroup
from eksprov.steps.nat_gateway import NatGateway
from eksprov.steps.node_access_entry import NodeAccessEntry
from eksprov.steps.nodegroup import NodeGroup
from eksprov.steps.placement_group import PlacementGroup
from eksprov.steps.pod_identity_association import PodIdentityAssociation
from eksprov.steps.queue import Queue
from eksprov.steps.repository import Repository
from eksprov.steps.route_table import RouteTable
from eksprov.steps.security_group import SecurityGroup
from eksprov.steps.service_linked_role import ServiceLinkedRole
from eksprov.steps.subnet import Subnet
from eksprov.steps.topic import Topic
from eksprov.steps.vpc import Vpc
from eksprov.steps.vpc_endpoint import VpcEndpoint

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
