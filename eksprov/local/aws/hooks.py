"""Where our answers hang in moto, all in one place, because these are names inside moto 5.2.5.

The public one is a service's `url_paths`, a dictionary from URL patterns to response classes, which moto reads in
this process on every request and in its server once a service. The others are checked by `missing_hooks`, so that
another version of moto fails loudly and not by answering as if we were not there.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import moto.autoscaling.urls
import moto.cloudwatch.urls
import moto.ec2.models.vpcs
import moto.ec2.urls
import moto.eks.urls
import moto.elb.urls
import moto.elbv2.urls
import moto.events.urls
import moto.iam.urls
import moto.kms.urls
import moto.s3.responses
import moto.s3.urls
import moto.servicequotas.urls
import moto.sns.urls
import moto.sqs.urls
import moto.ssm.urls
import moto.sts.urls
from moto.core.config import default_user_config
from moto.ec2.models.subnets import Subnet
from moto.ec2.utils import random_ipv6_cidr
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

from eksprov.local.aws.base import install_world
from eksprov.local.aws.ec2.ipv6_actions import subnet_ranges, vpc_range
from eksprov.local.aws.ec2.response import LocalEc2Response
from eksprov.local.aws.eks.response import LocalEksResponse
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.iam.response import LocalIamResponse
from eksprov.local.aws.iam.sts import LocalStsResponse
from eksprov.local.aws.regions import fill_regions
from eksprov.local.aws.services import pricing
from eksprov.local.aws.services.autoscaling import LocalAutoScalingResponse
from eksprov.local.aws.services.cloudwatch import LocalCloudWatchResponse
from eksprov.local.aws.services.elbv2 import LoadBalancing
from eksprov.local.aws.services.kms import LocalKmsResponse
from eksprov.local.aws.services.messaging import LocalEventsResponse, LocalSnsResponse, LocalSqsResponse
from eksprov.local.aws.services.s3 import LocalS3Response, bucket_permission
from eksprov.local.aws.services.servicequotas import LocalQuotasResponse
from eksprov.local.aws.services.ssm import LocalSsmResponse

CLASSES: dict[Any, Any] = {
    moto.autoscaling.urls: LocalAutoScalingResponse,
    moto.cloudwatch.urls: LocalCloudWatchResponse,
    moto.ec2.urls: LocalEc2Response,
    moto.elb.urls: LoadBalancing,
    moto.elbv2.urls: LoadBalancing,
    moto.events.urls: LocalEventsResponse,
    moto.iam.urls: LocalIamResponse,
    moto.kms.urls: LocalKmsResponse,
    moto.s3.urls: LocalS3Response,
    moto.servicequotas.urls: LocalQuotasResponse,
    moto.sns.urls: LocalSnsResponse,
    moto.sqs.urls: LocalSqsResponse,
    moto.ssm.urls: LocalSsmResponse,
    moto.sts.urls: LocalStsResponse,
}
# All of EKS through one door: its response class routes by botocore's model, not by moto's table.
EKS_PATHS = {"{0}/.*$": LocalEksResponse.dispatch}

POLICIES = (
    "AdministratorAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSBlockStoragePolicyV2",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSServicePolicy",
    "AmazonEKSVPCResourceController",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEBSCSIDriverPolicy",
    "AmazonEFSCSIDriverPolicy",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonVPCFullAccess",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "ViewOnlyAccess",
)

_get_permission = FakeBucket.get_permission
_vpc_range = random_ipv6_cidr
_subnet_ranges = Subnet.ipv6_cidr_block_association_set
_moto_paths: dict[Any, dict[str, Callable[..., Any]]] = {}

# Module, object in it, what we take from it.
INTERNALS = (
    ("moto.cloudwatch.models", "CloudWatchBackend", ("list_tags_for_resource",)),
    ("moto.core.botocore_stubber", "BotocoreStubber", ("process_request",)),
    ("moto.core.responses", "BaseResponse", ("call_action", "serialized", "_enrich_response", "_get_action")),
    ("moto.core.routing", "get_service_router", ()),
    ("moto.moto_server.werkzeug_app", "DomainDispatcherApplication", ("__call__", "infer_service_region_host")),
    ("moto.s3.responses", "S3Response", ("_bucket_response_put", "bucket_response", "key_response")),
    ("moto.s3.models", "FakeBucket", ("get_permission",)),
    ("moto.ec2.responses", "EC2Response", ("create_nat_gateway", "describe_nat_gateways", "delete_subnet")),
    ("moto.ec2.responses", "EC2Response", ("create_vpc_endpoint", "modify_vpc_endpoint")),
    ("moto.ec2.models.subnets", "Subnet", ("arn", "ipv6_cidr_block_association_set")),
    ("moto.ec2.models.availability_zones_and_regions", "RegionsAndZonesBackend", ("regions", "zones")),
    ("moto.ec2.models.instance_types", "INSTANCE_TYPE_OFFERINGS", ("get",)),
    ("moto.ec2.models.vpcs", "random_ipv6_cidr", ()),
    ("moto.ec2.models.vpcs", "VPC", ("get_cidr_block_association_set",)),
    ("moto.ec2.models.vpcs", "AWS_ENDPOINT_SERVICES", ()),
    ("moto.iam.models", "aws_managed_policies_data", ()),
    ("moto.iam.models", "IAMBackend", ("_init_aws_policies", "get_roles")),
    ("moto.ec2.models.route_tables", "RouteTable", ("associations",)),
    ("moto.kms.models", "KmsBackend", ("any_id_to_key_id", "alias_exists", "delete_key")),
    ("moto.kms.responses", "KmsResponse", ("_validate_cmk_id", "kms_backend")),
    ("moto.backend_index", "backend_url_patterns", ("append",)),
    ("moto.servicequotas.responses", "ServiceQuotasResponse", ("dispatch",)),
    ("moto.events.models", "EventsBackend", ("_normalize_event_bus_arn", "put_rule")),
    ("moto.events.responses", "EventsHandler", ("events_backend", "put_rule", "put_targets")),
    ("moto.sns.responses", "SNSResponse", ("list_subscriptions_by_topic", "confirm_subscription")),
    ("moto.sqs.responses", "SQSResponse", ("_get_queue_name", "sqs_backend", "create_queue", "set_queue_attributes")),
    ("moto.sts.models", "STSBackend", ("assume_role",)),
    ("moto.autoscaling.models", "FakeAutoScalingGroup", ("set_desired_capacity",)),
    ("moto.autoscaling.responses", "AutoScalingResponse", ("describe_scaling_activities", "autoscaling_backend")),
    ("moto.ec2.models", "EC2Backend", ("create_network_interface", "run_instances", "create_security_group")),
)


def missing_hooks(internals: Iterable[tuple[str, str, tuple[str, ...]]] = INTERNALS) -> list[str]:
    """The names inside moto that we build on and that are not there; empty with the right version."""
    missing = []
    for module_name, name, members in internals:
        found = getattr(importlib.import_module(module_name), name, None)
        if found is None:
            missing.append(f"{module_name}.{name}")
        missing += [f"{module_name}.{name}.{each}" for each in members if found and not hasattr(found, each)]
    for module, response in CLASSES.items():
        for path, handler in _moto_paths.get(module, module.url_paths).items():
            if not hasattr(response, handler.__name__):
                missing.append(f"{module.__name__} {path}")
    return missing


def install(world: LocalAws) -> None:
    """Let `world` answer for moto in this process; again with another world: that one answers."""
    import moto.iam.models

    # moto loads this one module anew before every request to S3, and with it the class by this name.
    moto.s3.responses.S3Response = LocalS3Response  # type: ignore[misc]  # the hook
    FakeBucket.get_permission = bucket_permission  # type: ignore[assignment, method-assign]  # the hook
    moto.ec2.models.vpcs.random_ipv6_cidr = functools.partial(vpc_range, _vpc_range)  # type: ignore[attr-defined]  # imported there, not exported
    Subnet.ipv6_cidr_block_association_set = property(subnet_ranges)  # type: ignore[assignment, method-assign]  # the hook
    for module, response in CLASSES.items():
        paths = _moto_paths.setdefault(module, dict(module.url_paths))
        _replace(module.url_paths, {path: getattr(response, each.__name__) for path, each in paths.items()})
    _moto_paths.setdefault(moto.eks.urls, dict(moto.eks.urls.url_paths))
    _replace(moto.eks.urls.url_paths, EKS_PATHS)
    moto.iam.models.aws_managed_policies_data = _some_policies(moto.iam.models.aws_managed_policies_data)  # type: ignore[attr-defined]  # imported there, not exported
    default_user_config["iam"]["load_aws_managed_policies"] = True
    pricing.register()
    fill_regions()
    install_world(world)


def uninstall() -> None:
    """Give moto its own answers back."""
    moto.s3.responses.S3Response = S3Response  # type: ignore[misc]  # the hook
    FakeBucket.get_permission = _get_permission  # type: ignore[method-assign]  # the hook
    moto.ec2.models.vpcs.random_ipv6_cidr = _vpc_range  # type: ignore[attr-defined]  # imported there, not exported
    Subnet.ipv6_cidr_block_association_set = _subnet_ranges  # type: ignore[method-assign]  # the hook
    for module, paths in _moto_paths.items():
        _replace(module.url_paths, paths)
    install_world(None)


def _replace(paths: dict[str, Any], by: Mapping[str, Any]) -> None:
    paths.clear()
    paths.update(by)


@functools.cache
def _some_policies(everything: str) -> str:
    # All 1,582 policies would cost a second with every new account.
    return json.dumps({name: data for name, data in json.loads(everything).items() if name in POLICIES})
