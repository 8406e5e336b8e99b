"""The rights of IAM, S3, ECR, CloudWatch and SNS: services whose names are the stack's choice, so ARNs say it all.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html,
list_amazons3.html, list_amazonelasticcontainerregistry.html, list_amazoncloudwatchlogs.html,
list_amazoncloudwatch.html and list_amazonsns.html there. Some actions of S3 are called otherwise than the calls that
need them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eksprov.permissions.need import ANYTHING, Need, Place, Rights, on
from eksprov.steps.iam_role import PATH
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


def role_arns(place: Place, steps: Iterable[Any]) -> tuple[str, ...]:
    """The roles of these steps, each by its own name."""
    return place.everywhere("iam", *sorted(f"role{getattr(step, 'path', PATH)}{step.slug}" for step in steps))


def _iam_role(place: Place) -> Rights:
    """Made and given rights by name, taken away by name and tag; what is attached is what the config attaches.

    An inline policy may say anything, and so may a trust: who bounds the roles bounds these (docs/security.md).
    """
    steps = place.kinds.get("iam-role", ())
    every, inline = role_arns(place, steps), role_arns(place, (s for s in steps if getattr(s, "inline", "")))
    paths = sorted({PATH, *(getattr(step, "path", PATH) for step in steps)})
    named = place.everywhere("iam", *(f"role{path}{place.prefix}*" for path in paths))
    gives = (*_attaching(place, steps), *(on(inline, "iam:PutRolePolicy", condition=place.bounded) if inline else ()))
    bare = place.everywhere("iam", f"role/{place.prefix}*")  # one that is not there has no path that IAM could know
    look = ("iam:ListAttachedRolePolicies", *(("iam:GetRolePolicy",) if inline else ()))
    made = (*place.requested, *place.bounded)
    return Rights(
        read=(*on(dict.fromkeys((*named, *bare)), "iam:GetRole"), *on(named, *look)),
        make=(
            *on(every, "iam:CreateRole", condition=made),
            *on(every, "iam:TagRole", condition=place.requested),
            *gives,
        ),
        change=(
            *on(every, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DetachRolePolicy"),
            *gives,
        ),
        delete=(
            *on(named, "iam:ListRolePolicies"),
            *on(named, "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole", condition=place.owned),
        ),
        survey=(*on(ANYTHING, "iam:ListRoles"), *on(named, "iam:ListRoleTags")),
    )


def _attaching(place: Place, steps: Iterable[Any]) -> tuple[Need, ...]:
    """The managed policies that the config names, and no other
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PolicyARN)."""
    managed = [step for step in steps if getattr(step, "policies", ())]
    if not managed:
        return ()
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
    "bucket": _bucket,
    "repository": _repository,
    "log-group": _log_group,
    "topic": _topic,
    "alarm": _alarm,
    "dashboard": _dashboard,
    "model-files": _files,
}
