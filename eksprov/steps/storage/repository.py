"""The ECR repository for the stack's own model images: its tags are immutable, and it goes with its images.

Immutable tags make "image by exact version" true: what was rolled out under a tag is what a later node pulls
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.steps.absent import none_if

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

GONE = "RepositoryNotFoundException"


@dataclass(frozen=True)
class RepositoryFacts:
    """`tag_mutability` is IMMUTABLE or MUTABLE; `uri` is what images are pushed to."""

    tag_mutability: str = "IMMUTABLE"
    uri: str = field(default=UNKNOWN, compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Repository(Step[Aws, RepositoryFacts]):
    """`slug` is the repository's name, "<stack>/models"."""

    kind: ClassVar[str] = "repository"
    billing: ClassVar[Billing | None] = Billing(use="ECR storage")
    traits: ClassVar[Traits] = Traits(tags_at=("ecr", "arn"), by_name=True, serves_workloads=True)

    def desired(self, outputs: Outputs) -> RepositoryFacts:
        return RepositoryFacts()

    def describe(self, want: RepositoryFacts) -> str:
        """What is created, for the plan."""
        return f"{self.slug}, tags {want.tag_mutability}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> RepositoryFacts | None:
        """The repository and its tags."""
        return none_if(lambda: self._read(aws.clients.ecr), GONE)

    def _read(self, ecr: ECRClient) -> RepositoryFacts:
        found = ecr.describe_repositories(repositoryNames=[self.slug])["repositories"][0]
        tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
        return RepositoryFacts(
            found["imageTagMutability"], found["repositoryUri"], found["repositoryArn"], owner_of(as_dict(tags))
        )

    def create(self, aws: Aws, want: RepositoryFacts, token: str) -> dict[str, str]:
        """One call; a repository that exists already is left to the proof, which tells whose it is."""
        mutability = want.tag_mutability
        none_if(
            lambda: aws.clients.ecr.create_repository(
                repositoryName=self.slug,
                tags=as_list(aws.tags(self.name)),
                imageTagMutability="MUTABLE" if mutability == "MUTABLE" else "IMMUTABLE",
            ),
            "RepositoryAlreadyExistsException",
        )
        return {}

    def update(self, aws: Aws, want: RepositoryFacts, have: RepositoryFacts, fields: tuple[str, ...]) -> None:
        """Whether tags may be moved."""
        mutability = want.tag_mutability
        aws.clients.ecr.put_image_tag_mutability(
            repositoryName=self.slug, imageTagMutability="MUTABLE" if mutability == "MUTABLE" else "IMMUTABLE"
        )

    def delete(self, aws: Aws, have: RepositoryFacts) -> None:
        """The repository with its images."""
        with tolerating(GONE):
            aws.clients.ecr.delete_repository(repositoryName=self.slug, force=True)

    def outputs(self, have: RepositoryFacts) -> dict[str, str]:
        return {"uri": have.uri, "arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Repositories whose names begin with the stack's, by their tags."""
        ecr = aws.clients.ecr
        for page in ecr.get_paginator("describe_repositories").paginate():
            for found in page["repositories"]:
                if not found["repositoryName"].startswith(f"{stack}/"):
                    continue
                with tolerating(GONE):
                    owner = owner_of(as_dict(ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(cls.kind, found["repositoryName"], found["repositoryArn"], owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """The names begin with the stack's and a slash, which no other stack's do."""
        own = place.arn("ecr", *(f"repository/{name}" for name in place.slugs(cls.kind)))
        return Rights(
            read=on(own, "ecr:DescribeRepositories", "ecr:ListTagsForResource"),
            make=on(own, "ecr:CreateRepository", "ecr:TagResource", condition=place.requested),
            change=on(own, "ecr:PutImageTagMutability"),
            delete=on(own, "ecr:DeleteRepository", "ecr:ListImages"),
            list_owned=(
                *on(place.arn("ecr", "repository/*"), "ecr:DescribeRepositories"),
                *on(place.arn("ecr", f"repository/{place.stack}/*"), "ecr:ListTagsForResource"),
            ),
            tag=on(own, "ecr:TagResource", "ecr:UntagResource", condition=place.owned),
        )


def images_in(aws: Aws, name: str) -> int:
    """How many images are in the repository, each once however many tags it has; 0 where that may not be read."""
    listed = aws.clients.ecr.get_paginator("list_images")
    pages = none_if(lambda: list(listed.paginate(repositoryName=name)), GONE, "AccessDeniedException") or []
    return len({image.get("imageDigest", "") for page in pages for image in page["imageIds"]})
