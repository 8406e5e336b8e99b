"""What IAM is asked when a call is made: actions on resources with tags, and whether a policy allows them.

Calls and actions mostly share a name; where they do not, or where a call asks for more than one action, the kinds'
cases say so (https://docs.aws.amazon.com/service-authorization/latest/reference/). A request has the action, the ARN as
far as the call's parameters give it, and the condition keys that IAM would be told: the tags that are sent, whom a role
is passed to, which policy is attached, which bounds the role, and of what exists already, whether it carries our tag.
The emulated account's own reading of policies judges it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import cases

from eksprov.aws.tags import STACK
from eksprov.local.aws.policy import allows
from support.calls import Call

REGION, ACCOUNT = "us-west-2", "123456789012"
OTHERWISE = {(iam.service, call): actions for iam in cases.asked() for call, actions in iam.otherwise.items()}
BALANCING = "elasticloadbalancing"
PREFIXES = {"elb": BALANCING, "elbv2": BALANCING, "service-quotas": "servicequotas"}
TAG_ACTION = {iam.service: iam.tag_action for iam in cases.asked() if iam.tag_action}
ARNS = {iam.service: iam.arns for iam in cases.asked() if iam.arns is not None}
BOUNDS = ("CreateRole", "PutRolePermissionsBoundary")  # there, what is asked for counts
OURS = (STACK, "eks:cluster-name")
ROLE_KEYS = ("roleArn", "nodeRole")
NOTHING_ASKED = frozenset({"GetCallerIdentity"})  # allowed to everybody
OF_EC2, OF_EKS = ([iam.thing for iam in cases.asked() if iam.thing and iam.service == one] for one in ("ec2", "eks"))
THINGS = {"eni": "network-interface", **{thing.told_by: thing.resource for thing in OF_EC2 if thing.told_by}}
MADE = {thing.made_by: thing.resource for thing in OF_EC2}
ID = re.compile(rf"\b({'|'.join(THINGS)})-[0-9a-f]{{8,}}\b")


@dataclass(frozen=True)
class Request:
    """One question to IAM; an empty resource is one that the call does not name. `tags` are those that the call sends,
    `context` the other condition keys, `new`: the thing is only being made, so it has no tags yet."""

    action: str
    resource: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    new: bool = False

    @property
    def told(self) -> dict[str, str]:
        """The condition keys in lower case, as far as the call alone says them."""
        sent = {f"aws:RequestTag/{key}": value for key, value in self.tags}
        told = {"aws:RequestedRegion": REGION, **sent, **dict(self.context)}
        return {key.lower(): value for key, value in told.items()}


@dataclass(frozen=True)
class Standing:
    """A role of the account: its ARN, and the ARN of the policy that bounds it (empty: none does)."""

    arn: str
    boundary: str = ""


@dataclass
class Policy:
    """The statements of some documents, and which (statement, action) a request has used."""

    statements: list[dict[str, Any]]
    stack: str
    owned: set[str] = field(default_factory=set)  # ids that carry our tag
    used: set[tuple[int, str]] = field(default_factory=set)

    def allows(self, request: Request) -> bool:
        """Whether some statement does; each that does counts as used."""
        found = [n for n, statement in enumerate(self.statements) if self._fits(statement, request)]
        self.used |= {(n, request.action) for n in found}
        return bool(found)

    def unused(self) -> list[tuple[str, str]]:
        """Actions, with their resource, that no request has used."""
        return [
            (action, str(statement["Resource"]))
            for n, statement in enumerate(self.statements)
            for action in _many(statement["Action"])
            if (n, action) not in self.used
        ]

    def _fits(self, statement: Mapping[str, Any], request: Request) -> bool:
        if request.action not in _many(statement["Action"]):
            return False
        known = statement if request.resource else {**statement, "Resource": "*"}
        ours = {f"aws:resourcetag/{key}": self.stack for key in OURS} if self._is_ours(request) else {}
        document = json.dumps({"Statement": known})
        return allows([document], request.action, request.resource or "*", {**ours, **request.told})

    def _is_ours(self, request: Request) -> bool:
        """EC2's and KMS's things are told by their ids; what else there is under a name of ours is taken to be."""
        by_id = request.resource.split(":")[2:3] in (["ec2"], ["kms"])
        return not request.new and (not by_id or request.resource.rsplit("/", 1)[-1] in self.owned)


def requests(call: Call, roles: Mapping[str, Standing] = MappingProxyType({})) -> Iterator[Request]:
    """Everything that IAM is asked for a call; `roles` has the account's roles by name."""
    if call.operation in NOTHING_ASKED:
        return
    tags = tuple(sorted(_tags(call.params).items()))
    if call.service == "ec2":
        yield from _of_ec2(call, tags)
        return
    prefix = PREFIXES.get(call.service, call.service)
    actions = OTHERWISE.get((call.service, call.operation), (f"{prefix}:{call.operation}",))
    context, new = _context(call, roles), bool(tags) and "Tag" not in call.operation
    for action in actions:
        for resource in _resources(call, roles):
            yield Request(action, resource, tags, context, new)
    if new and call.service in TAG_ACTION:
        yield Request(TAG_ACTION[call.service], _new(call, roles), tags, new=True)
    yield from _implied(call)


def _context(call: Call, roles: Mapping[str, Standing]) -> tuple[tuple[str, str], ...]:
    """The condition keys of some calls, beside tags: the policy, and the boundary that is asked for or there; of EKS's
    access entries whom they let in and how."""
    if call.operation == "CreateAccessEntry":
        kind = call.params.get("type", "STANDARD")
        return (("eks:principalArn", call.params["principalArn"]), ("eks:accessEntryType", kind))
    if call.operation == "AssociateAccessPolicy":
        return (("eks:policyArn", call.params["policyArn"]),)
    if call.service != "iam":
        return ()
    name = call.params.get("RoleName", "")
    there = "" if call.operation in BOUNDS or name not in roles else roles[name].boundary
    said = {
        "iam:AWSServiceName": call.params.get("AWSServiceName"),
        "iam:PolicyARN": call.params.get("PolicyArn"),
        "iam:PermissionsBoundary": call.params.get("PermissionsBoundary") or there,
    }
    return tuple((key, value) for key, value in said.items() if value)


def _new(call: Call, roles: Mapping[str, Standing]) -> str:
    """The ARN of what a call makes, as far as it can be known."""
    if call.service == "eks":
        return _eks(call.params, MADE_BY_EKS[call.operation])
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/new" if call.service == "kms" else next(iter(_resources(call, roles)))


def _implied(call: Call) -> Iterator[Request]:
    """What a service asks in the caller's name."""
    if call.service == "eks":
        held = [call.params, *call.params.get("podIdentityAssociations", [])]
        for one, key in ((one, key) for one in held for key in ROLE_KEYS if key in one):
            yield Request("iam:PassRole", one[key], context=(("iam:PassedToService", _taker(call, key)),))
        if call.operation in ("CreateCluster", "CreateNodegroup"):
            service = "eks.amazonaws.com" if call.operation == "CreateCluster" else "eks-nodegroup.amazonaws.com"
            yield Request("iam:CreateServiceLinkedRole", context=(("iam:AWSServiceName", service),))
        if call.params.get("podIdentityAssociations") is not None:
            yield Request("eks:CreatePodIdentityAssociation", _eks(call.params, "cluster"))
        if call.operation == "UpdateAddon" and call.params.get("podIdentityAssociations") is not None:
            yield Request("eks:UpdatePodIdentityAssociation")
            yield Request("eks:DeletePodIdentityAssociation")
        if call.operation == "CreateNodegroup" and "launchTemplate" in call.params:
            yield from _launched(call)
        if call.params.get("encryptionConfig"):
            yield Request("kms:CreateGrant", context=(("kms:GrantIsForAWSResource", "true"),))
            yield Request("kms:DescribeKey")
    if call.operation == "DeleteAddon":
        yield Request("eks:DeletePodIdentityAssociation")
    if (call.service, call.operation) == ("s3", "DeleteObjects") and any(
        "VersionId" in one for one in call.params["Delete"]["Objects"]
    ):
        yield Request("s3:DeleteObjectVersion", f"arn:aws:s3:::{call.params['Bucket']}/models/x")
    if (call.service, call.operation) == ("s3", "PutObject"):
        yield Request("s3:AbortMultipartUpload", f"arn:aws:s3:::{call.params['Bucket']}/models/x")
    if call.operation == "CreateVpcEndpoint":
        yield Request("route53:AssociateVPCWithHostedZone")


def _launched(call: Call) -> Iterator[Request]:
    """A launch of what the node group's template says, in the caller's name."""
    here = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    tags = tuple(sorted(_tags(call.params).items()))
    template = f"{here}:launch-template/{call.params['launchTemplate']['id']}"
    others = (f"{here}:{thing}/x" for thing in ("network-interface", "security-group", "subnet", "volume"))
    for resource in (f"arn:aws:ec2:{REGION}::image/ami-x", f"{here}:instance/x", template, *others):
        yield Request("ec2:RunInstances", resource)
    for thing in ("instance", "network-interface", "volume"):
        action = (("ec2:CreateAction", "RunInstances"),)
        yield Request("ec2:CreateTags", f"{here}:{thing}/x", tags, action, new=True)


def _taker(call: Call, key: str) -> str:
    """The service that a role is passed to."""
    if key == "nodeRole":
        return "ec2.amazonaws.com"
    return "eks.amazonaws.com" if call.operation == "CreateCluster" else "pods.eks.amazonaws.com"


# What a template names is asked for when it is used, not when it is written.
NOT_ASKED = ("TagSpecifications", "LaunchTemplateData")


def _of_ec2(call: Call, tags: tuple[tuple[str, str], ...]) -> Iterator[Request]:
    action = f"ec2:{call.operation}"
    if call.operation.startswith("Describe"):
        yield Request(action)
        return
    text = str({key: value for key, value in call.params.items() if key not in NOT_ASKED})
    ids = {f"arn:aws:ec2:{REGION}:{ACCOUNT}:{THINGS[m[1]]}/{m[0]}" for m in ID.finditer(text)}
    ids = {one for one in ids if call.operation not in ("CreateRoute", "ReplaceRoute") or ":route-table/" in one}
    for resource in sorted(ids) or [""]:
        yield Request(action, resource, tags)
    if call.operation in MADE:
        new = f"arn:aws:ec2:{REGION}:{ACCOUNT}:{MADE[call.operation]}/new"
        yield Request(action, new, tags, new=True)
        yield Request("ec2:CreateTags", new, tags, (("ec2:CreateAction", call.operation),), new=True)
    if call.operation == "CreateVpcEndpoint":
        yield from _implied(call)


def _resources(call: Call, roles: Mapping[str, Standing]) -> Iterable[str]:
    """The ARN, where the parameters tell it; the empty one elsewhere."""
    params = call.params
    if call.service == "eks":
        return [_of_eks(call)]
    if call.service == "iam" and str(params.get("RoleName", "")).startswith("AWSServiceRoleForEC2Spot"):
        return [f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/{params['RoleName']}"]
    if call.service == "iam" and "AWSServiceName" in params:
        service = params["AWSServiceName"]
        return [f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRoleForEC2Spot"]
    if call.service == "iam" and "InstanceProfileName" in params:
        return [f"arn:aws:iam::{ACCOUNT}:instance-profile/{params['InstanceProfileName']}"]
    if call.service == "iam" and "RoleName" in params:
        name, path = params["RoleName"], params.get("Path", "/eksprov/")
        return [roles[name].arn if name in roles else f"arn:aws:iam::{ACCOUNT}:role{path}{name}"]
    if call.service == "iam" and ("PolicySourceArn" in params or call.operation == "GetPolicy"):
        return [params.get("PolicySourceArn") or params["PolicyArn"]]
    if call.service in ARNS and (told := ARNS[call.service](params)):
        return told
    arn = params.get("resourceArn") or params.get("ResourceArn") or params.get("ResourceARN")
    return [arn or ""]


EKS_THINGS = {thing.told_by: thing.resource for thing in OF_EKS if thing.told_by}
MADE_BY_EKS = {thing.made_by: thing.resource for thing in OF_EKS}
OF_THE_CLUSTER = ("Create", "List")


def _of_eks(call: Call) -> str:
    if "resourceArn" in call.params:
        return str(call.params["resourceArn"])
    if call.operation in ("ListClusters", "CreateCluster", "DescribeClusterVersions") or (
        call.operation.startswith("DescribeAddon") and call.operation != "DescribeAddon"
    ):
        return ""
    if call.operation.startswith(OF_THE_CLUSTER) and call.operation != "ListAssociatedAccessPolicies":
        return _eks(call.params, "cluster")
    kind = next((kind for key, kind in EKS_THINGS.items() if key in call.params), "cluster")
    return _eks(call.params, kind)


def _eks(params: Mapping[str, Any], kind: str) -> str:
    cluster = params.get("clusterName") or params.get("name")
    if kind == "access-entry":
        account, what = params["principalArn"].split(":")[4:6]
        kind, cluster = f"{kind}/{cluster}/{what.split('/')[0]}/{account}", what.rsplit("/", 1)[-1]
    return f"arn:aws:eks:{REGION}:{ACCOUNT}:{kind}/{cluster}" + ("" if kind == "cluster" else "/x")


def _tags(params: Mapping[str, Any]) -> dict[str, str]:
    specifications = params.get("TagSpecifications")
    found = specifications[0]["Tags"] if specifications else None
    configuration = params.get("CreateBucketConfiguration") or {}
    found = found or configuration.get("Tags") or params.get("Tags") or params.get("tags") or {}
    if isinstance(found, dict):
        return dict(found)
    return {tag.get("Key", tag.get("TagKey")): tag.get("Value", tag.get("TagValue", "")) for tag in found}


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
