"""Reads what the checks need, side by side, and nothing that a plan does not ask for.

What AWS does not let the caller read becomes `Unread` with AWS's own reason. Service Quotas knows two values: the one
that was set for the account, and AWS's default where none was
(https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws, Identity
from eksprov.core.executor import Together
from eksprov.core.plan import Plan
from eksprov.preflight.facts import NOT_ASKED, PreflightFacts, Question, TypeFacts, Unread, Use, VersionFacts
from eksprov.preflight.need import Group, groups, quota_code
from eksprov.preflight.quotas import BY_CODE, Quota, relevant
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.identity.principal import principal_of

Read = Callable[[], Any]
ALLOWED, EXPLICIT = "allowed", "explicitDeny"
SIMULATED = 1000  # results that an answer of the policy simulator holds at most
PAGE = 100  # instance types a filter takes at most: 200 (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html)


def read(
    aws: Aws,
    plan: Plan,
    identity: Identity,
    zones: Iterable[str],
    today: date,
    together: Together,
    fallbacks: Mapping[str, frozenset[str]],
    questions: tuple[Question, ...] = (),
) -> PreflightFacts:
    """Everything that the checks of this plan look at; `questions` are for the simulator of policies."""
    wanted, counted = groups(plan), relevant(plan, fallbacks)
    reads = {**_of_groups(aws, wanted, counted), **_of_the_rest(aws, plan, counted)}
    simulated = {f"rights {number}": question for number, question in enumerate(questions)}
    reads |= {name: partial(_denied, aws, identity, question) for name, question in simulated.items()}
    names = list(reads)
    found = dict(zip(names, together(lambda name: _tried(name, reads[name]), names), strict=True))
    instances, counts = found.get("instances", NOT_ASKED), "instances" in reads
    types = _tried("instance types", lambda: _types(aws, wanted, instances)) if wanted or counts else NOT_ASKED
    return PreflightFacts(
        identity=identity,
        region=aws.region,
        today=today,
        zones=tuple(zones),
        quotas={quota.code: found[f"quota {quota.code}"] for quota in counted},
        use=Use(
            vcpus=_vcpus_in_use(instances, types),
            elastic_ips=found.get("elastic IPs", NOT_ASKED),
            vpcs=found.get("VPCs", NOT_ASKED),
            clusters=found.get("clusters", NOT_ASKED),
            nat_gateways=found.get("NAT gateways", NOT_ASKED),
        ),
        types=types,
        offerings=found.get("offerings", NOT_ASKED),
        scores={group.name: found[name] for group in wanted if (name := f"score {group.name}") in found},
        versions=found.get("versions", NOT_ASKED),
        denied=_all_denied([found[name] for name in simulated]),
        fallbacks=fallbacks,
    )


def _of_groups(aws: Aws, wanted: tuple[Group, ...], counted: tuple[Quota, ...]) -> dict[str, Read]:
    """What node groups ask for."""
    spot = [group for group in wanted if group.new and group.want.capacity_type == "SPOT" and group.want.desired_size]
    reads: dict[str, Read] = {f"score {group.name}": _score(aws, group) for group in spot}
    if any(quota.code in _VCPUS for quota in counted):
        reads["instances"] = lambda: _instances(aws)
    if any(group.new for group in wanted):
        reads["offerings"] = lambda: _offerings(aws, wanted)
    return reads


def _of_the_rest(aws: Aws, plan: Plan, counted: tuple[Quota, ...]) -> dict[str, Read]:
    """Quotas, and how much of them is in use."""
    ec2, eks = aws.clients.ec2, aws.clients.eks
    reads: dict[str, Read] = {f"quota {quota.code}": _quota(aws, quota) for quota in counted}
    due = {quota.finding for quota in counted}
    if "quota-elastic-ip" in due:
        reads["elastic IPs"] = lambda: len(ec2.describe_addresses()["Addresses"])
    if "quota-vpc" in due:
        reads["VPCs"] = lambda: _count(ec2, "describe_vpcs", "Vpcs")
    if "quota-nat-gateway" in due:
        reads["NAT gateways"] = lambda: _nat_gateways(aws)
    if "quota-eks-cluster" in due:
        reads["clusters"] = lambda: _count(eks, "list_clusters", "clusters")
    if any(plan.of(ClusterFacts)):
        reads["versions"] = lambda: versions(aws)
    return reads


_VCPUS = frozenset(code for code, quota in BY_CODE.items() if quota.unit == " vCPUs")


def _tried(what: str, call: Read) -> Any:
    try:
        with translated(f"read {what}"):
            return call()
    except errors.EksprovError as error:
        return Unread(error.message)


def _quota(aws: Aws, quota: Quota) -> Read:
    client = aws.clients.service_quotas

    def value() -> float:
        applied = none_if(
            lambda: client.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code), "NoSuchResourceException"
        )
        if applied is None:
            default = client.get_aws_default_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
            return float(default["Quota"]["Value"])
        return float(applied["Quota"]["Value"])

    return value


def _score(aws: Aws, group: Group) -> Read:
    def score() -> int:
        types, size = list(group.want.instance_types), group.want.desired_size
        answer = aws.clients.ec2.get_spot_placement_scores(
            InstanceTypes=types, TargetCapacity=size, RegionNames=[aws.region]
        )
        return max((each["Score"] for each in answer["SpotPlacementScores"]), default=0)

    return score


def _count(client: Any, operation: str, key: str) -> int:
    return sum(len(page[key]) for page in client.get_paginator(operation).paginate())


def _instances(aws: Aws) -> Mapping[tuple[str, str], int]:
    """How many instances count against vCPU quotas, by type and purchase option."""
    running: Any = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    pages = aws.clients.ec2.get_paginator("describe_instances").paginate(Filters=running)
    return Counter(
        (str(found["InstanceType"]), "SPOT" if found.get("InstanceLifecycle") == "spot" else "ON_DEMAND")
        for page in pages
        for reservation in page["Reservations"]
        for found in reservation["Instances"]
    )


def _nat_gateways(aws: Aws) -> Mapping[str, int]:
    """NAT gateways by zone; they are listed with their subnets only."""
    ec2: Any = aws.clients.ec2
    counted: Any = [{"Name": "state", "Values": ["pending", "available", "deleting"]}]
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filter=counted)
    homes = [gateway["SubnetId"] for page in pages for gateway in page["NatGateways"] if gateway.get("SubnetId")]
    if not homes:
        return {}
    subnets = ec2.get_paginator("describe_subnets").paginate(Filters=[{"Name": "subnet-id", "Values": homes}])
    zone = {subnet["SubnetId"]: subnet["AvailabilityZone"] for page in subnets for subnet in page["Subnets"]}
    return Counter(zone[home] for home in homes if home in zone)


def _types(aws: Aws, wanted: tuple[Group, ...], instances: Any) -> Mapping[str, TypeFacts]:
    """The types of the node groups and of what runs already; those that the region lacks are missing."""
    running = [] if isinstance(instances, Unread) else [name for name, _ in instances]
    names = sorted({*(name for group in wanted for name in group.want.instance_types), *running})
    found: dict[str, TypeFacts] = {}
    for start in range(0, len(names), PAGE):
        asked: Any = [{"Name": "instance-type", "Values": names[start : start + PAGE]}]
        for page in aws.clients.ec2.get_paginator("describe_instance_types").paginate(Filters=asked):
            for each in page["InstanceTypes"]:
                network = each["NetworkInfo"]
                found[each["InstanceType"]] = TypeFacts(
                    vcpus=each["VCpuInfo"]["DefaultVCpus"],
                    interfaces=network["MaximumNetworkInterfaces"],
                    addresses_per_interface=network["Ipv4AddressesPerInterface"],
                    memory_mib=each["MemoryInfo"]["SizeInMiB"],
                )
    return found


def _vcpus_in_use(instances: Any, types: Any) -> Mapping[str, int] | Unread:
    for part in (instances, types):
        if isinstance(part, Unread):
            return part
    used: Counter[str] = Counter()
    for (name, capacity_type), count in instances.items():
        if name in types:
            used[quota_code(name, capacity_type)] += types[name].vcpus * count
    return used


def _offerings(aws: Aws, wanted: tuple[Group, ...]) -> Mapping[str, frozenset[str]]:
    names = sorted({name for group in wanted for name in group.want.instance_types})
    asked: Any = [{"Name": "instance-type", "Values": names}]
    pages = aws.clients.ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=asked
    )
    found: dict[str, set[str]] = {}
    for page in pages:
        for each in page["InstanceTypeOfferings"]:
            found.setdefault(str(each["InstanceType"]), set()).add(each["Location"])
    return {name: frozenset(zones) for name, zones in found.items()}


def versions(aws: Aws) -> Mapping[str, VersionFacts]:
    """EKS's Kubernetes versions. Raises: ClientError."""
    pages = aws.clients.eks.get_paginator("describe_cluster_versions").paginate(includeAll=True)
    found = {}
    for page in pages:
        for each in page["clusterVersions"]:
            ends = each.get("endOfStandardSupportDate")
            found[each["clusterVersion"]] = VersionFacts(
                str(each.get("versionStatus") or "").upper(), ends.date() if ends else None
            )
    return found


def _denied(aws: Aws, identity: Identity, question: Question) -> Mapping[str, str]:
    """The actions that are not allowed, with IAM's decision; nothing is denied to the root user."""
    if identity.arn.endswith(":root"):
        return {}
    actions, resources = ({pair[part] for pair in question.pairs} for part in (0, 1))
    pages = aws.clients.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal_of(aws, identity),
        ActionNames=sorted(actions),
        ResourceArns=sorted(resources),
        ContextEntries=[_entry(key, value) for key, value in sorted(question.context.items())],
        PaginationConfig={"PageSize": SIMULATED},
    )
    decided = [decision for page in pages for result in page["EvaluationResults"] for decision in _decisions(result)]
    return _worst({a: decision} for a, r, decision in decided if (a, r) in question.pairs and decision != ALLOWED)


def _entry(key: str, value: str) -> Any:
    kind = "boolean" if value in ("true", "false") else "string"
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}


def _decisions(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Action, resource and decision; of several resources, IAM may say them in a list of their own."""
    action, each = str(result["EvalActionName"]), result.get("ResourceSpecificResults") or ()
    whole = (action, str(result.get("EvalResourceName", "*")), str(result["EvalDecision"]))
    return [whole, *((action, str(one["EvalResourceName"]), str(one["EvalResourceDecision"])) for one in each)]


def _worst(answers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """For each action the strongest word against it."""
    worst: dict[str, str] = {}
    for action, decision in (item for answer in answers for item in answer.items()):
        worst[action] = EXPLICIT if EXPLICIT in (decision, worst.get(action)) else decision
    return worst


def _all_denied(answers: list[Any]) -> Mapping[str, str] | Unread:
    """All answers as one; not read where one was not."""
    unread = [answer for answer in answers if isinstance(answer, Unread)]
    if unread or not answers:
        return unread[0] if unread else NOT_ASKED
    return _worst(answers)
