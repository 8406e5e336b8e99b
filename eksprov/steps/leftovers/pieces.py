"""What controllers in a cluster make in AWS, and leave behind when the cluster goes: found by their own tags.

No one of these carries our owner tags, so a cluster's name is all that says whose they are; names of clusters are
unique in an account and region. The tags: of load balancers, target groups and security groups
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#resource-tags and, for
those of the in-tree controller, https://cloud-provider-aws.sigs.k8s.io; of volumes
https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md (which of them may go: `reclaiming`);
of network interfaces and the cluster's own group: `cluster_network`; of Karpenter's instances and launch templates
https://karpenter.sh/docs/concepts/nodeclasses/#spectags, of its instance profiles, which lie under a path of their
cluster's, https://karpenter.sh/docs/reference/cloudformation/ (its earlier releases tagged templates otherwise).
What EKS Auto Mode makes bears the keys that its policies name and no others
(https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSComputePolicy.html); its instance profile
stays when the cluster goes, with the node role in it (https://github.com/aws/containers-roadmap/issues/2531), which may
be somebody else's. It has no tags; accounts show it under `/eks/<region>/<cluster>/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict
from eksprov.core.words import plural
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.network import (
    EKS_CLUSTER,
    FREE,
    RULES,
    cni_interfaces,
    is_clusters_group,
    owned_tag,
    strangers_rules,
)
from eksprov.steps.cluster.reading import described_cluster
from eksprov.steps.identity.iam_role import role_name
from eksprov.steps.leftovers.reclaiming import Reclaiming
from eksprov.steps.network.ec2 import by_tag, named

Tags = dict[str, str]
BY_CONTROLLER = "elbv2.k8s.aws/cluster"
KARPENTER, AUTO_MODE = "karpenter.sh/nodepool", "eks:kubernetes-node-pool-name"
KARPENTER_TEMPLATE = "karpenter.k8s.aws/cluster"
CLASSES = ("karpenter.k8s.aws/ec2nodeclass", "eks:kubernetes-node-class-name")
GONE = "NoSuchEntity"
VOLUME = "volume"
USUAL = Reclaiming()
TAGS_AT_ONCE = 20  # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
# Held by something that goes later, gone meanwhile, or on its way: the next look tells.
PASSING = (
    "DependencyViolation",
    "IncorrectState",
    "InvalidGroup.InUse",
    "InvalidGroup.NotFound",
    "InvalidInstanceID.NotFound",
    "InvalidLaunchTemplateId.NotFound",
    "InvalidNetworkInterface.InUse",
    "InvalidNetworkInterfaceID.NotFound",
    "InvalidParameterValue",
    "InvalidVolume.NotFound",
    "DeleteConflict",
    "LoadBalancerNotFound",
    "NoSuchEntity",
    "OperationAbortedException",
    "OperationNotPermitted",
    "ResourceInUse",
    "ResourceNotFoundException",
    "TargetGroupNotFound",
    "VolumeInUse",
)


@dataclass(frozen=True)
class Piece:
    """One thing left: what it is, its id or ARN, a line for people, and what holds it (empty: it can go now).

    `stays` says why it is kept, and `stranger` that what holds it is somebody else's, so that waiting is in vain.
    """

    what: str
    id: str
    text: str
    held: str = ""
    stays: str = ""
    stranger: bool = False
    tags: Tags = field(default_factory=dict, compare=False, repr=False)


def found_of(aws: Aws, cluster: str, reclaiming: Reclaiming = USUAL, whats: Iterable[str] = ()) -> tuple[Piece, ...]:
    """Everything of that cluster, or of some kinds, in the order in which it can go; what is kept too."""
    chosen = tuple(whats) or WHATS
    finds = [(what, find) for what, find, _ in KINDS if what in chosen]
    found = [piece for what, find in finds for piece in find(aws, cluster, what)]
    return tuple(replace(p, stays=reclaiming.why_kept(p.id, p.tags)) if p.what == VOLUME else p for p in found)


def pieces(aws: Aws, cluster: str, reclaiming: Reclaiming = USUAL, whats: Iterable[str] = ()) -> tuple[Piece, ...]:
    """The same without what is kept."""
    return tuple(piece for piece in found_of(aws, cluster, reclaiming, whats) if not piece.stays)


def delete(aws: Aws, piece: Piece, *passing: str) -> None:
    """Send what deletes one piece; what holds it or has taken it meanwhile is no error."""
    call = next(call for what, _, call in KINDS if what == piece.what)
    none_if(lambda: call(aws, piece.id), *PASSING, *passing)


def _owned(tags: Tags, cluster: str) -> bool:
    """By the tags of controllers in the cluster, or of EKS Auto Mode's, which run outside it."""
    mine = tags.get(owned_tag(cluster)) == "owned" or tags.get(BY_CONTROLLER) == cluster
    return mine or tags.get(EKS_CLUSTER) == cluster


def _instances(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    states = {"Name": "instance-state-name", "Values": ["pending", "running", "shutting-down", "stopping", "stopped"]}
    filters: list[Any] = [{"Name": "tag-key", "Values": [KARPENTER, AUTO_MODE]}, states]
    pages = aws.clients.ec2.get_paginator("describe_instances").paginate(Filters=filters)
    for found in [i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]]:
        tags = as_dict(found.get("Tags"))
        if not tags.keys().isdisjoint((KARPENTER, AUTO_MODE)) and _owned(tags, cluster):
            state = found["State"]["Name"]
            held = "it is shutting down" if state == "shutting-down" else ""
            yield Piece(what, found["InstanceId"], f"{found['InstanceType']}, {state}", held, tags=tags)


def _load_balancers(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    pages = aws.clients.elbv2.get_paginator("describe_load_balancers").paginate()
    found = {lb["LoadBalancerArn"]: lb["LoadBalancerName"] for page in pages for lb in page["LoadBalancers"]}
    for arn in _tagged(aws, found, cluster):
        yield Piece(what, arn, found[arn])


def _target_groups(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    pages = aws.clients.elbv2.get_paginator("describe_target_groups").paginate()
    found = {group["TargetGroupArn"]: group for page in pages for group in page["TargetGroups"]}
    for arn in _tagged(aws, found, cluster):
        held = "a load balancer uses it" if found[arn].get("LoadBalancerArns") else ""
        yield Piece(what, arn, found[arn]["TargetGroupName"], held)


def _tagged(aws: Aws, arns: Iterable[str], cluster: str) -> list[str]:
    every, mine = sorted(arns), []
    for first in range(0, len(every), TAGS_AT_ONCE):
        part = every[first : first + TAGS_AT_ONCE]
        answer = none_if(lambda part=part: aws.clients.elbv2.describe_tags(ResourceArns=part), *PASSING)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        described = answer["TagDescriptions"] if answer is not None else []
        mine += [each["ResourceArn"] for each in described if _owned(as_dict(each["Tags"]), cluster)]
    return mine


def _classic_load_balancers(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    elb = aws.clients.elb
    pages = elb.get_paginator("describe_load_balancers").paginate()
    names = sorted(lb["LoadBalancerName"] for page in pages for lb in page["LoadBalancerDescriptions"])
    for first in range(0, len(names), TAGS_AT_ONCE):
        part = names[first : first + TAGS_AT_ONCE]
        answer = none_if(lambda part=part: elb.describe_tags(LoadBalancerNames=part), *PASSING)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        for each in answer["TagDescriptions"] if answer is not None else []:
            if _owned(as_dict(each["Tags"]), cluster):
                yield Piece(what, each["LoadBalancerName"], each["LoadBalancerName"])


def _interfaces(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    for found in cni_interfaces(aws, cluster):
        held = "" if found.get("Status") == FREE else "it is in use"
        yield Piece(what, found["NetworkInterfaceId"], named(found), held)


def _volumes(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    for found in _of_both(aws, "describe_volumes", "Volumes", cluster):
        if _owned(tags := as_dict(found.get("Tags")), cluster):
            state = found["State"]
            claim = tags.get("kubernetes.io/created-for/pvc/name", "no claim named")
            held = "" if state == "available" else state
            yield Piece(what, found["VolumeId"], f"{found['Size']} GiB, {claim}", held, tags=tags)


def _security_groups(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    """The cluster's own too, once EKS has deleted the cluster without it."""
    listed = _of_both(aws, "describe_security_groups", "SecurityGroups", cluster)
    mine = {found["GroupId"]: found for found in listed if _owned(as_dict(found.get("Tags")), cluster)}
    holders = strangers_rules(aws, mine)
    own = [key for key, found in mine.items() if is_clusters_group(found, cluster)]
    lives = bool(own) and described_cluster(aws, cluster) is not None
    for key, found in mine.items():
        if key not in own or not lives:
            yield Piece(what, key, found["GroupName"], holders.get(key, ""), stranger=key in holders)


def _of_both(aws: Aws, operation: str, key: str, cluster: str) -> Iterator[Any]:
    """What carries any of the tags that `_owned` knows, each once."""
    tags = ((owned_tag(cluster), "owned"), (BY_CONTROLLER, cluster), (EKS_CLUSTER, cluster))
    listed: Any = aws.clients.ec2.get_paginator(operation)  # type: ignore[call-overload]  # one of two names
    seen: list[Any] = []
    for name, value in tags:
        for page in listed.paginate(Filters=[by_tag(name, value)]):
            seen += [found for found in page[key] if found not in seen]
    yield from seen


def _launch_templates(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    found: dict[str, Piece] = {}
    for key in (KARPENTER_TEMPLATE, EKS_CLUSTER):
        filters: list[Any] = [by_tag(key, cluster)]
        pages = aws.clients.ec2.get_paginator("describe_launch_templates").paginate(Filters=filters)
        for template in [template for page in pages for template in page["LaunchTemplates"]]:
            tags = as_dict(template.get("Tags"))
            if tags.get(key) == cluster and (key == KARPENTER_TEMPLATE or any(one in tags for one in CLASSES)):
                name = template["LaunchTemplateId"]
                found[name] = Piece(what, name, template["LaunchTemplateName"])
    yield from found.values()


def _log_groups(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    """Those that EKS, or the agents of Container Insights, made again: they bear the cluster's name and no tag."""
    logs = aws.clients.logs
    for prefix in (f"/aws/eks/{cluster}/cluster", f"/aws/containerinsights/{cluster}/"):
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        for found in [group for page in pages for group in page["logGroups"]]:
            name, arn = found["logGroupName"], found["arn"].removesuffix(":*")
            tagged = none_if(lambda arn=arn: logs.list_tags_for_resource(resourceArn=arn), *PASSING)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            if tagged is not None and not tagged["tags"] and (prefix.endswith("/") or name == prefix):
                yield Piece(what, name, name)


def _instance_profiles(aws: Aws, cluster: str, what: str) -> Iterator[Piece]:
    """IAM knows no region, so the path of Karpenter's and of Auto Mode's names it; of one without a path the role."""
    iam = aws.clients.iam
    pages = iam.get_paginator("list_instance_profiles").paginate(PathPrefix=f"/karpenter/{aws.region}/{cluster}/")
    for profile in [profile for page in pages for profile in page["InstanceProfiles"]]:
        name = profile["InstanceProfileName"]
        found = none_if(lambda name=name: iam.get_instance_profile(InstanceProfileName=name), *PASSING)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        if found is not None and _owned(as_dict(found["InstanceProfile"].get("Tags")), cluster):
            yield Piece(what, name, f"of {plural(len(profile['Roles']), 'role')}")
    pages = iam.get_paginator("list_instance_profiles").paginate(PathPrefix=f"/eks/{aws.region}/{cluster}/")
    under = {p["InstanceProfileName"]: len(p["Roles"]) for page in pages for p in page["InstanceProfiles"]}
    for name, roles in under.items():
        yield Piece(what, name, f"of {plural(roles, 'role')}")
    role = role_name(cluster, aws.region, "auto-node")
    listed = iam.get_paginator("list_instance_profiles_for_role")
    pages_of_role = none_if(lambda: list(listed.paginate(RoleName=role)), GONE) or []
    for name in [profile["InstanceProfileName"] for page in pages_of_role for profile in page["InstanceProfiles"]]:
        if name.startswith("eks") and name not in under:  # AmazonEKSComputePolicy lets EKS fill no others
            yield Piece(what, name, f"of {role}")


def _delete_instance_profile(aws: Aws, name: str) -> None:
    """Its role must be out of it first."""
    iam = aws.clients.iam
    for role in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
        take_out = partial(iam.remove_role_from_instance_profile, InstanceProfileName=name, RoleName=role["RoleName"])
        none_if(take_out, GONE)  # sent again after a lost answer, it finds the role out of it; the profile still stands
    iam.delete_instance_profile(InstanceProfileName=name)


def _delete_security_group(aws: Aws, group_id: str) -> None:
    """Rules that point at one another hold both groups, so the rules that name this one go first."""
    ec2 = aws.clients.ec2
    revokes: tuple[Any, Any] = (ec2.revoke_security_group_ingress, ec2.revoke_security_group_egress)
    for (name, key), revoke in zip(RULES, revokes, strict=True):
        filters: list[Any] = [{"Name": name, "Values": [group_id]}]
        others: list[Any] = [dict(group) for group in ec2.describe_security_groups(Filters=filters)["SecurityGroups"]]
        for other in others:
            pointing = [rule for rule in other[key] if group_id in [p.get("GroupId") for p in rule["UserIdGroupPairs"]]]
            if pointing:
                _revoke(revoke, other["GroupId"], pointing, group_id)
    ec2.delete_security_group(GroupId=group_id)


def _revoke(revoke: Callable[..., Any], holder: str, rules: Iterable[Any], named_group: str) -> None:
    only = [
        {
            **{key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule},
            "UserIdGroupPairs": [{"GroupId": named_group}],
        }
        for rule in rules
    ]
    none_if(lambda: revoke(GroupId=holder, IpPermissions=only), "InvalidPermission.NotFound", *PASSING)


Find = Callable[[Aws, str, str], Iterator[Piece]]
Delete = Callable[[Aws, str], object]
KINDS: tuple[tuple[str, Find, Delete], ...] = (
    ("instance", _instances, lambda aws, i: aws.clients.ec2.terminate_instances(InstanceIds=[i])),
    ("load balancer", _load_balancers, lambda aws, i: aws.clients.elbv2.delete_load_balancer(LoadBalancerArn=i)),
    (
        "classic load balancer",
        _classic_load_balancers,
        lambda aws, i: aws.clients.elb.delete_load_balancer(LoadBalancerName=i),
    ),
    ("target group", _target_groups, lambda aws, i: aws.clients.elbv2.delete_target_group(TargetGroupArn=i)),
    ("network interface", _interfaces, lambda aws, i: aws.clients.ec2.delete_network_interface(NetworkInterfaceId=i)),
    (VOLUME, _volumes, lambda aws, i: aws.clients.ec2.delete_volume(VolumeId=i)),
    ("security group", _security_groups, _delete_security_group),
    ("launch template", _launch_templates, lambda aws, i: aws.clients.ec2.delete_launch_template(LaunchTemplateId=i)),
    ("instance profile", _instance_profiles, _delete_instance_profile),
    ("untagged log group", _log_groups, lambda aws, i: aws.clients.logs.delete_log_group(logGroupName=i)),
)
"""What, how it is found, how it goes; in the order in which it can go."""
WHATS = tuple(what for what, _, _ in KINDS)
