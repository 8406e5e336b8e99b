"""The rights of IAM, S3, ECR, CloudWatch and SNS: services whose names are the stack's choice, so ARNs say it all.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html,
list_amazons3.html, list_amazonelasticcontainerregistry.html, list_amazoncloudwatchlogs.html,
list_amazoncloudwatch.html and list_amazonsns.html there. Some actions of S3 are called otherwise than the calls that
need them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from __future__ import annotations

from collections.abc import Iterable

from eksprov.permissions.need import ANYTHING, Need, Place, Rights, on
from eksprov.steps.iam_role import NO_BOUNDARY, PATH, IamRole
from eksprov.steps.log_group import INSIGHTS, PREFIX

BUCKET_READS = (
    "s3:GetBucketTagging",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetLifecycleConfiguration",
)
BUCKET_WRITES = ("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutLifecycleConfiguration")


def _buckets(place: Place, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:{place.partition}:s3:::{name}" for name in names)


def role_arns(place: Place, steps: Iterable[IamRole]) -> tuple[str, ...]:
    """The roles of these steps, each by its own name; one that does at any path may be where roles used to be made."""
    steps = tuple(steps)
    older = place.everywhere("iam", *(f"role{PATH}{step.slug}" for step in steps if step.any_path))
    return tuple(sorted({*_made_at(place, steps), *older}))


def _made_at(place: Place, steps: Iterable[IamRole]) -> tuple[str, ...]:
    return place.everywhere("iam", *sorted(f"role{step.path}{step.slug}" for step in steps))


def _iam_role(place: Place) -> Rights:
    """Made and given rights by name, taken away by name and tag; what is attached is what the config attaches.

    An inline policy may say anything, and so may a trust: who bounds the roles bounds these (docs/security.md).
    """
    steps = place.made_roles
    every, inline = role_arns(place, steps), role_arns(place, [step for step in steps if step.inline])
    gives = (*_attaching(place, steps), *on(inline, "iam:PutRolePolicy", condition=place.bounded))
    # One that is not there has no path that IAM could know, and one from an earlier config may be under any.
    named = place.everywhere("iam", f"role/{place.prefix}*", f"role/*/{place.prefix}*")
    look = ("iam:GetRole", "iam:ListAttachedRolePolicies", *(("iam:GetRolePolicy",) if inline else ()))
    return Rights(
        read=on(named, *look),
        make=(
            *on(_made_at(place, steps), "iam:CreateRole", condition=(*place.requested, *place.bounded)),
            *on(every, "iam:TagRole", condition=place.requested),
            *gives,
            *on((place.permissions_boundary,) if steps and place.bounded else (), "iam:GetPolicy"),
        ),
        change=(
            *on(every, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DetachRolePolicy"),
            *gives,
            *_bounding(place, steps),
        ),
        delete=(
            *on(named, "iam:ListRolePolicies"),
            *on(named, "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole", condition=place.owned),
        ),
        survey=(*on(ANYTHING, "iam:ListRoles"), *on(named, "iam:ListRoleTags")),
    )


def _bounding(place: Place, steps: Iterable[IamRole]) -> tuple[Need, ...]:
    """The config's boundary and no other is put on; taken off is one only where the config says so."""
    bound = [step for step in steps if step.boundary not in ("", NO_BOUNDARY)]
    freed = [step for step in steps if step.boundary == NO_BOUNDARY]
    return (
        *on(role_arns(place, bound), "iam:PutRolePermissionsBoundary", condition=place.bounded),
        *on(role_arns(place, freed), "iam:DeleteRolePermissionsBoundary"),
    )


def _existing_role(place: Place) -> Rights:
    """Only looked at, by its ARN; IAM's simulator is asked about what eksprov would have put into an inline policy."""
    own = [step.slug for step in place.lent_roles]
    bare = [f"{arn.split(':role/')[0]}:role/{arn.rsplit('/', 1)[-1]}" for arn in own]  # where it is not there
    asked = dict.fromkeys(step.slug for step in place.lent_roles if step.inline)
    return Rights(
        read=(
            *on(dict.fromkeys((*own, *bare)), "iam:GetRole"),
            *on(dict.fromkeys(own), "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
        ),
        make=on(asked, "iam:SimulatePrincipalPolicy"),
    )


def _attaching(place: Place, steps: Iterable[IamRole]) -> tuple[Need, ...]:
    """The managed policies that the config names, and no other
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PolicyARN)."""
    managed = [step for step in steps if step.policies]
    policies = tuple(sorted({arn for step in managed for arn in step.policies}))
    condition = (("ArnEquals", "iam:PolicyARN", policies), *place.bounded)
    return on(role_arns(place, managed), "iam:AttachRolePolicy", condition=condition)


def _bucket(place: Place) -> Rights:
    own = _buckets(place, *place.slugs("bucket"))
    return Rights(
        read=on(own, *BUCKET_READS),
        make=on(own, "s3:CreateBucket", "s3:TagResource", *BUCKET_WRITES),
        change=on(own, *BUCKET_WRITES),
        delete=(
            *on(own, "s3:ListBucketVersions", "s3:DeleteBucket"),
            *on([f"{arn}/*" for arn in own], "s3:DeleteObject", "s3:DeleteObjectVersion"),
        ),
        survey=(
            *on(ANYTHING, "s3:ListAllMyBuckets"),
            *on(own, "s3:GetBucketTagging"),  # a namesake's is not read: AccessDenied is taken for "not ours"
        ),
    )


def _files(place: Place) -> Rights:
    """A model's files in the stack's bucket."""
    own = _buckets(place, *place.slugs("bucket"))
    found = (*on(own, "s3:ListBucket", "s3:GetBucketTagging"),)
    return Rights(
        read=found,
        make=on([f"{arn}/models/*" for arn in own], "s3:PutObject", "s3:AbortMultipartUpload"),
        delete=(*found, *on([f"{arn}/models/*" for arn in own], "s3:DeleteObject")),
        survey=(*on(ANYTHING, "s3:ListAllMyBuckets"), *on(own, "s3:ListBucket", "s3:GetBucketTagging")),
    )


def _repository(place: Place) -> Rights:
    """The names begin with the stack's and a slash, which no other stack's do."""
    own = place.arn("ecr", *(f"repository/{name}" for name in place.slugs("repository")))
    return Rights(
        read=on(own, "ecr:DescribeRepositories", "ecr:ListTagsForResource"),
        make=on(own, "ecr:CreateRepository", "ecr:TagResource", condition=place.requested),
        change=on(own, "ecr:PutImageTagMutability"),
        delete=on(own, "ecr:DeleteRepository", "ecr:ListImages"),
        survey=(
            *on(place.arn("ecr", "repository/*"), "ecr:DescribeRepositories"),
            *on(place.arn("ecr", f"repository/{place.stack}/*"), "ecr:ListTagsForResource"),
        ),
    )


def _log_group(place: Place) -> Rights:
    """Group ARNs with and without `:*`, which the tagging actions leave out; EKS's leftover has no tags to go by."""
    names = [f"log-group:{name}" for name in place.slugs("log-group")]
    own = place.arn("logs", *names, *(f"{name}:*" for name in names))
    describe, retain = on(ANYTHING, "logs:DescribeLogGroups"), on(own, "logs:PutRetentionPolicy")
    alike = place.arn("logs", *(f"log-group:{prefix}{place.stack}*" for prefix in (PREFIX, INSIGHTS)))
    return Rights(
        read=(*describe, *on(own, "logs:ListTagsForResource")),
        make=(
            *on(own, "logs:CreateLogGroup", "logs:TagResource", condition=place.requested),
            *retain,
        ),
        change=(*retain, *on(own, "logs:TagResource", condition=place.requested)),
        delete=on(own, "logs:DeleteLogGroup"),
        survey=(*describe, *on(alike, "logs:ListTagsForResource")),
    )


def _topic(place: Place) -> Rights:
    """A subscription's ARN ends in an id, and Unsubscribe knows no resource at all."""
    own = place.arn("sns", *(slug.rsplit(":", 1)[-1] for slug in place.slugs("topic")))
    named = place.arn("sns", f"{place.stack}-*")
    mails, tags = on(own, "sns:Subscribe"), on(named, "sns:ListTagsForResource")
    return Rights(
        read=(*tags, *on(named, "sns:ListSubscriptionsByTopic")),
        make=(*on(own, "sns:CreateTopic", "sns:TagResource", condition=place.requested), *mails),
        change=(*mails, *on(ANYTHING, "sns:Unsubscribe", condition=place.here)),
        delete=on(named, "sns:DeleteTopic", condition=place.owned),
        survey=(*on(ANYTHING, "sns:ListTopics"), *tags),
    )


def _alarm(place: Place) -> Rights:
    own = place.arn("cloudwatch", *(f"alarm:{name}" for name in place.slugs("alarm")))
    named = place.arn("cloudwatch", f"alarm:{place.stack}-*")
    read = (*on(ANYTHING, "cloudwatch:DescribeAlarms"), *on(named, "cloudwatch:ListTagsForResource"))
    return Rights(
        read=read,
        make=on(own, "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", condition=place.requested),
        change=on(own, "cloudwatch:PutMetricAlarm", condition=place.owned),
        delete=on(named, "cloudwatch:DeleteAlarms", condition=place.owned),
        survey=read,
    )


def _dashboard(place: Place) -> Rights:
    """IAM asks for no tags of dashboards, so a name is all that can hold these."""
    own = place.everywhere("cloudwatch", *(f"dashboard/{name}" for name in place.slugs("dashboard")))
    models = place.everywhere("cloudwatch", f"dashboard/{place.stack}-{place.region}-model-*")
    named = place.everywhere("cloudwatch", f"dashboard/{place.stack}-{place.region}*")
    tags = on(named, "cloudwatch:ListTagsForResource")
    return Rights(
        read=(*on(named, "cloudwatch:GetDashboard"), *tags),
        make=on(own, "cloudwatch:PutDashboard", "cloudwatch:TagResource"),
        change=on(own, "cloudwatch:PutDashboard"),
        delete=on(tuple(dict.fromkeys((*own, *models))), "cloudwatch:DeleteDashboards"),
        survey=(*on(ANYTHING, "cloudwatch:ListDashboards"), *tags),
    )


def state(place: Place, url: str) -> tuple[Need, ...]:
    """A team's state in a bucket of its own."""
    bucket, _, prefix = url.removeprefix("s3://").rstrip("/").partition("/")
    [root] = _buckets(place, bucket)
    inside = f"{root}/{prefix}/*" if prefix else f"{root}/*"
    return (*on((root,), "s3:ListBucket"), *on((inside,), "s3:GetObject", "s3:PutObject", "s3:DeleteObject"))


RIGHTS = {
    "iam-role": _iam_role,
    "existing-role": _existing_role,
    "bucket": _bucket,
    "repository": _repository,
    "log-group": _log_group,
    "topic": _topic,
    "alarm": _alarm,
    "dashboard": _dashboard,
    "model-files": _files,
}
