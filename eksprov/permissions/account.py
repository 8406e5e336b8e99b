"""The rights of IAM, S3, ECR, CloudWatch and SNS: services whose names are the stack's choice, so ARNs say it all.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html,
list_amazons3.html, list_amazonelasticcontainerregistry.html, list_amazoncloudwatchlogs.html,
list_amazoncloudwatch.html and list_amazonsns.html there. Some actions of S3 are called otherwise than the calls that
need them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html.
"""

from __future__ import annotations

from eksprov.permissions.need import ANYTHING, Need, Place, Rights, on

BUCKET_READS = (
    "s3:GetBucketTagging",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetLifecycleConfiguration",
)
BUCKET_WRITES = ("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutLifecycleConfiguration")


def _buckets(place: Place, *names: str) -> tuple[str, ...]:
    return tuple(f"arn:{place.partition}:s3:::{name}" for name in names)


def _iam_role(place: Place) -> Rights:
    steps = place.kinds.get("iam-role", ())
    managed = not steps or any(getattr(step, "policies", ()) for step in steps)
    return role_rights(place, managed=managed, inline=any(getattr(step, "inline", "") for step in steps))


def role_rights(place: Place, *, managed: bool, inline: bool) -> Rights:
    """For roles with managed policies, with an inline one, or with both."""
    own = place.everywhere("iam", f"role/eksprov/{place.stack}-*")
    gives = (*(("iam:AttachRolePolicy",) if managed else ()), *(("iam:PutRolePolicy",) if inline else ()))
    attach, detach = on(own, *gives), on(own, "iam:DetachRolePolicy")
    return Rights(
        read=on(own, "iam:GetRole", "iam:ListAttachedRolePolicies", *(("iam:GetRolePolicy",) if inline else ())),
        make=(*on(own, "iam:CreateRole", "iam:TagRole", condition=place.requested), *attach),
        change=(*on(own, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"), *attach, *detach),
        delete=(*detach, *on(own, "iam:ListRolePolicies", "iam:DeleteRolePolicy", "iam:DeleteRole")),
        survey=(*on(ANYTHING, "iam:ListRoles"), *on(own, "iam:ListRoleTags")),
    )


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
            *on(_buckets(place, f"{place.stack}-*"), "s3:GetBucketTagging"),
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
    own = place.arn("ecr", *(f"repository/{name}" for name in place.slugs("repository")))
    return Rights(
        read=on(own, "ecr:DescribeRepositories", "ecr:ListTagsForResource"),
        make=on(own, "ecr:CreateRepository", "ecr:TagResource", condition=place.requested),
        change=on(own, "ecr:PutImageTagMutability"),
        delete=on(own, "ecr:DeleteRepository"),
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
    return Rights(
        read=(*describe, *on(own, "logs:ListTagsForResource")),
        make=(
            *on(own, "logs:CreateLogGroup", "logs:TagResource", condition=place.requested),
            *retain,
        ),
        change=(*retain, *on(own, "logs:TagResource", condition=place.requested)),
        delete=on(own, "logs:DeleteLogGroup"),
        survey=(*describe, *on(place.arn("logs", f"log-group:/aws/eks/{place.stack}*"), "logs:ListTagsForResource")),
    )


def _topic(place: Place) -> Rights:
    names = tuple(slug.rsplit(":", 1)[-1] for slug in place.slugs("topic")) or (f"{place.stack}-*",)
    own = place.arn("sns", *names)
    mails = on(own, "sns:Subscribe", "sns:ListSubscriptionsByTopic")
    look = on(own, "sns:ListTagsForResource")
    return Rights(
        read=(*look, *mails[1:]),
        make=(*on(own, "sns:CreateTopic", "sns:TagResource", condition=place.requested), *mails),
        change=(*mails, *on(own, "sns:Unsubscribe")),
        delete=on(own, "sns:DeleteTopic"),
        survey=(*on(ANYTHING, "sns:ListTopics"), *on(place.arn("sns", f"{place.stack}*"), "sns:ListTagsForResource")),
    )


def _alarm(place: Place) -> Rights:
    own = place.arn("cloudwatch", f"alarm:{place.stack}-*")
    read = (*on(ANYTHING, "cloudwatch:DescribeAlarms"), *on(own, "cloudwatch:ListTagsForResource"))
    return Rights(
        read=read,
        make=on(own, "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", condition=place.requested),
        change=on(own, "cloudwatch:PutMetricAlarm"),
        delete=on(own, "cloudwatch:DeleteAlarms"),
        survey=read,
    )


def _dashboard(place: Place) -> Rights:
    own = place.everywhere("cloudwatch", f"dashboard/{place.stack}-*")
    tags = on(own, "cloudwatch:ListTagsForResource")
    return Rights(
        read=(*on(own, "cloudwatch:GetDashboard"), *tags),
        make=on(own, "cloudwatch:PutDashboard", "cloudwatch:TagResource"),
        change=on(own, "cloudwatch:PutDashboard"),
        delete=on(own, "cloudwatch:DeleteDashboards"),
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
