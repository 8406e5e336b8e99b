"""EKS's rights, and those of KMS and Auto Scaling that go with a cluster.

EKS's ARNs begin with the cluster's name, which is the stack's, so they need no tags
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html); only
CreateCluster knows no resource and is held to the stack by the tag that it writes. KMS chooses its keys' ids, so these
go by tags (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eksprov.permissions.account import role_arns
from eksprov.permissions.need import ANYTHING, Condition, Need, Place, Rights, on
from eksprov.steps.access_entry import AccessEntry
from eksprov.steps.node_access_entry import AUTO, AUTO_POLICY, NodeAccessEntry
from eksprov.steps.service_linked_role import SPOT

FOR_AWS = ("Bool", "kms:GrantIsForAWSResource", ("true",))
SERVICE_ROLES = ("eks.amazonaws.com", "eks-nodegroup.amazonaws.com")


def _find(place: Place) -> tuple[Need, ...]:
    """A survey looks at every cluster whose name begins with the stack's."""
    return (*on(ANYTHING, "eks:ListClusters"), *on(place.arn("eks", f"cluster/{place.stack}*"), "eks:DescribeCluster"))


def _own(place: Place) -> tuple[str, ...]:
    return place.arn("eks", f"cluster/{place.stack}")


def _of(place: Place, kind: str) -> tuple[str, ...]:
    return place.arn("eks", f"{kind}/{place.stack}/*")


def _tagging(place: Place, what: tuple[str, ...]) -> tuple[Need, ...]:
    return on(what, "eks:TagResource", condition=place.requested)


def passing(place: Place) -> tuple[Need, ...]:
    """Handing over the stack's roles, made or existing, to the services that they trust and to EKS, which asks for them
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html)."""
    trusted = {*(step.service for step in place.made_roles), *(step.service for step in place.lent_roles)} - {""}
    services = tuple(sorted({"eks.amazonaws.com", *trusted}))
    condition = (("StringEquals", "iam:PassedToService", services),)
    lent = dict.fromkeys(step.slug for step in place.lent_roles)
    return on((*role_arns(place, place.made_roles), *lent), "iam:PassRole", condition=condition)


def _service_roles(place: Place) -> tuple[Need, ...]:
    """EKS makes its service-linked roles in the caller's name, once an account
    (https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html)."""
    condition = (("StringEquals", "iam:AWSServiceName", SERVICE_ROLES),)
    what = place.everywhere("iam", "role/aws-service-role/eks*")
    return on(what, "iam:CreateServiceLinkedRole", condition=condition)


def _cluster(place: Place) -> Rights:
    encrypted = any(getattr(step, "key", "") or getattr(step, "key_arn", "") for step in place.kinds.get("cluster", ()))
    late = on(_own(place), "eks:AssociateEncryptionConfig") if encrypted else ()
    keys = sorted({getattr(step, "key_arn", "") for step in place.kinds.get("cluster", ())} - {""})
    asked = (*on(keys, "kms:DescribeKey"), *on(keys, "kms:CreateGrant", condition=(FOR_AWS,)))  # in the caller's name
    return Rights(
        read=on(_own(place), "eks:DescribeCluster"),
        make=(
            *on(ANYTHING, "eks:CreateCluster", condition=(*place.requested, *place.here)),
            *_tagging(place, _own(place)),
            *passing(place),
            *_service_roles(place),
            *asked,
        ),
        change=(*on(_own(place), "eks:UpdateClusterConfig", "eks:DescribeUpdate"), *late, *asked),
        delete=on(_own(place), "eks:DeleteCluster"),
        survey=_find(place),
    )


def _cluster_endpoint(place: Place) -> Rights:
    """A step of its own for one of the cluster's settings."""
    return Rights(
        read=on(_own(place), "eks:DescribeCluster"),
        make=on(_own(place), "eks:UpdateClusterConfig"),
        change=on(_own(place), "eks:UpdateClusterConfig", "eks:DescribeUpdate"),
    )


def _access_entry(place: Place) -> Rights:
    """An admin's entry is looked for before another loses its rights; the principal, to tell an entry that is stale.

    No policies are given but those that the config gives to somebody
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html#amazonelastickubernetesservice-policy-keys).
    """
    own = _of(place, "access-entry")
    entries = [step for step in place.kinds.get("access-entry", ()) if isinstance(step, AccessEntry)]
    given = {policy for step in entries for policy, _ in step.policies}
    grants = _granting(place, own, *sorted(given)) if given else ()
    principals = tuple(sorted(step.principal for step in entries if step.compare_age))
    roles, users = (tuple(arn for arn in principals if f":{what}/" in arn) for what in ("role", "user"))
    aged = (*(on(roles, "iam:GetRole") if roles else ()), *(on(users, "iam:GetUser") if users else ()))
    return Rights(
        read=(*on(own, "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"), *aged),
        make=(
            *on(_own(place), "eks:CreateAccessEntry", condition=place.requested),
            *_tagging(place, own),
            *grants,
        ),
        change=(
            *on(own, "eks:UpdateAccessEntry", "eks:DisassociateAccessPolicy"),
            *grants,
            *on(_own(place), "eks:ListAccessEntries"),
        ),
        delete=on(own, "eks:DeleteAccessEntry"),
        survey=(
            *_find(place),
            *on(_own(place), "eks:ListAccessEntries"),
            *on(own, "eks:DescribeAccessEntry"),
        ),
    )


def _addon(place: Place) -> Rights:
    """An add-on's associations are EKS's to make, in the caller's name
    (https://docs.aws.amazon.com/eks/latest/userguide/update-addon-role.html)."""
    own, bonds = _of(place, "addon"), _of(place, "podidentityassociation")
    bond = on(_own(place), "eks:CreatePodIdentityAssociation")
    read = (
        *on(own, "eks:DescribeAddon"),
        *on(bonds, "eks:DescribePodIdentityAssociation"),
    )
    return Rights(
        read=read,
        make=(
            *on(ANYTHING, "eks:DescribeAddonConfiguration", "eks:DescribeAddonVersions"),
            *on(_own(place), "eks:CreateAddon", condition=place.requested),
            *_tagging(place, own),
            *bond,
            *passing(place),
        ),
        change=(
            *on(own, "eks:UpdateAddon"),
            *on(own, "eks:UntagResource", condition=place.owned),
            *on((*_own(place), *own), "eks:DescribeUpdate"),
            *_tagging(place, own),
            *bond,
            *on(bonds, "eks:UpdatePodIdentityAssociation", "eks:DeletePodIdentityAssociation"),
            *passing(place),
        ),
        delete=(*on(own, "eks:DeleteAddon"), *on(bonds, "eks:DeletePodIdentityAssociation")),
        survey=(*_find(place), *on(_own(place), "eks:ListAddons"), *on(own, "eks:DescribeAddon")),
    )


def _node_group(place: Place) -> Rights:
    own = _of(place, "nodegroup")
    return Rights(
        read=(*on(own, "eks:DescribeNodegroup"), *on(ANYTHING, "ec2:DescribeLaunchTemplateVersions")),
        make=(
            *on(ANYTHING, "autoscaling:DescribeScalingActivities", "ec2:DescribeInstanceTypes"),
            *on(_own(place), "eks:CreateNodegroup", condition=place.requested),
            *_tagging(place, own),
            *passing(place),
            *_service_roles(place),
        ),
        change=(
            *on(own, "eks:UpdateNodegroupConfig", "eks:UpdateNodegroupVersion"),
            *_asg_tags(place).change,
            *on(ANYTHING, "ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeNetworkInterfaces"),
            *on((*_own(place), *own), "eks:DescribeUpdate"),
        ),
        delete=on(own, "eks:DeleteNodegroup"),
        survey=(*_find(place), *on(_own(place), "eks:ListNodegroups"), *on(own, "eks:DescribeNodegroup")),
    )


def _pod_identity_association(place: Place) -> Rights:
    own = _of(place, "podidentityassociation")
    read = (*on(_own(place), "eks:ListPodIdentityAssociations"), *on(own, "eks:DescribePodIdentityAssociation"))
    return Rights(
        read=read,
        make=(
            *on(_own(place), "eks:CreatePodIdentityAssociation"),  # EKS asks it for add-ons, too, and without tags
            *_tagging(place, own),
            *passing(place),
        ),
        change=(*on(own, "eks:UpdatePodIdentityAssociation"), *passing(place)),
        delete=on(own, "eks:DeletePodIdentityAssociation"),
        survey=(*_find(place), *read),
    )


def _asg_tags(place: Place) -> Rights:
    """The groups are EKS's, named `eks-<node group>-<id>`, and carry its tags, not ours."""
    groups = place.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")
    read = on(ANYTHING, "autoscaling:DescribeAutoScalingGroups")
    eks = (("StringEquals", "aws:ResourceTag/eks:cluster-name", (place.stack,)),)
    return Rights(
        read=(*read, *on(_of(place, "nodegroup"), "eks:DescribeNodegroup")),
        make=on(groups, "autoscaling:CreateOrUpdateTags", condition=eks),
        change=on(groups, "autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags", condition=eks),
        delete=on(groups, "autoscaling:DeleteTags", condition=eks),
        survey=read,
    )


def _kms_key(place: Place) -> Rights:
    keys, alias = place.arn("kms", "key/*"), place.arn("kms", *place.slugs("kms-key"))
    tagged = on(keys, "kms:TagResource", condition=place.requested)
    grant = (*place.owned, FOR_AWS)
    named = (*on(alias, "kms:CreateAlias"), *on(keys, "kms:CreateAlias", condition=place.owned))
    unnamed = (*on(alias, "kms:DeleteAlias"), *on(keys, "kms:DeleteAlias", condition=place.owned))
    look = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus")
    survey = (*on(ANYTHING, "kms:ListAliases", "kms:ListKeys"), *on(keys, "kms:ListResourceTags"))
    return Rights(
        read=(*survey, *on(keys, *look, condition=place.owned)),
        make=(
            *on(ANYTHING, "kms:CreateKey", condition=(*place.requested, *place.here)),
            *tagged,
            *named,
            *on(keys, "kms:EnableKeyRotation", condition=place.owned),
            *on(keys, "kms:CreateGrant", condition=grant),  # what EKS does with the key in the caller's name
        ),
        change=(
            *on(keys, "kms:CancelKeyDeletion", "kms:EnableKey", "kms:EnableKeyRotation", condition=place.owned),
            *on(keys, "kms:PutKeyPolicy", condition=place.owned),
            *named,
        ),
        delete=(*unnamed, *on(keys, "kms:ScheduleKeyDeletion", condition=place.owned)),
        survey=(*survey, *on(keys, "kms:DescribeKey", condition=place.owned)),
    )


def _granting(place: Place, entries: tuple[str, ...], *policies: str) -> tuple[Need, ...]:
    """Giving these entries these access policies of EKS's, and no other."""
    arns = tuple(f"arn:{place.partition}:eks::aws:cluster-access-policy/{policy}" for policy in policies)
    return on(entries, "eks:AssociateAccessPolicy", condition=(("ArnEquals", "eks:policyArn", arns),))


def _node_access_entry(place: Place) -> Rights:
    """EKS's own entries carry no tags of the stack's, neither when they are made again: whom they let in and of which
    type they are holds them, so that none can be an admin's. Their ARNs end in an id, behind the role's bare name."""
    steps = [step for step in place.kinds.get("node-access-entry", ()) if isinstance(step, NodeAccessEntry)]
    roles = tuple(sorted(step.principal for step in steps))
    entries = _entries_of(place, steps)
    auto = _entries_of(place, [step for step in steps if step.type == AUTO])
    return Rights(
        read=(
            *on(entries, "eks:DescribeAccessEntry"),
            *on(_own(place), "eks:DescribeCluster", "eks:ListNodegroups"),
            *on(roles, "iam:GetRole"),
        ),
        change=(
            *(on(_own(place), "eks:CreateAccessEntry", condition=only)[0] for only in _exactly(steps)),
            *on(entries, "eks:DeleteAccessEntry"),
            *_granting(place, auto, AUTO_POLICY),
        ),
    )


def _exactly(steps: Iterable[NodeAccessEntry]) -> Iterator[Condition]:
    for step in steps:
        principal, kind = ("ArnEquals", "eks:principalArn", (step.principal,)), (step.type,)
        yield (principal, ("StringEquals", "eks:accessEntryType", kind))


def _entries_of(place: Place, steps: Iterable[NodeAccessEntry]) -> tuple[str, ...]:
    roles = sorted(step.principal.split(":", 5)[4:] for step in steps)
    names = (f"access-entry/{place.stack}/role/{account}/{what.rsplit('/', 1)[-1]}/*" for account, what in roles)
    return place.arn("eks", *names)


def _service_linked_role(place: Place) -> Rights:
    """Of the services that the steps name; nobody deletes one."""
    services = place.slugs("service-linked-role") or (SPOT,)
    roles = place.everywhere("iam", *(f"role/aws-service-role/{service}/*" for service in services))
    condition = (("StringEquals", "iam:AWSServiceName", services),)
    return Rights(
        read=on(roles, "iam:GetRole"),
        make=on(roles, "iam:CreateServiceLinkedRole", condition=condition),
    )


RIGHTS = {
    "node-access-entry": _node_access_entry,
    "service-linked-role": _service_linked_role,
    "cluster": _cluster,
    "cluster-endpoint": _cluster_endpoint,
    "access-entry": _access_entry,
    "addon": _addon,
    "node-group": _node_group,
    "pod-identity-association": _pod_identity_association,
    "asg-tags": _asg_tags,
    "kms-key": _kms_key,
}
