"""The models' image repository: immutable tags, gone with its images."""

from __future__ import annotations

from support.bench import Bench

from eksprov.core.outcome import Status
from eksprov.steps.storage.repository import Repository

MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {}, "layers": []}'


def repository_of(bench: Bench) -> Repository:
    step = bench.steps["repository/models"]
    assert isinstance(step, Repository)
    return step


def test_a_new_repository_has_immutable_tags_and_settles(bench: Bench) -> None:
    step, ecr = repository_of(bench), bench.plain("ecr")
    outcome = bench.make(step)
    assert outcome.status is Status.CREATED
    assert bench.calls() == ["CreateRepository"]
    (found,) = ecr.describe_repositories(repositoryNames=[step.slug])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert outcome.outputs["uri"] == found["repositoryUri"]
    bench.settles(step)
    assert len(bench.tape.reads) == 2


def test_mutable_tags_are_taken_back(bench: Bench) -> None:
    step, ecr = repository_of(bench), bench.plain("ecr")
    bench.make(step)
    ecr.put_image_tag_mutability(repositoryName=step.slug, imageTagMutability="MUTABLE")
    assert bench.again(step).change.names == ("tag_mutability",)
    bench.settles(step)


def test_it_goes_with_its_images(bench: Bench) -> None:
    step = repository_of(bench)
    bench.make(step)
    bench.plain("ecr").put_image(repositoryName=step.slug, imageManifest=MANIFEST, imageTag="1")
    bench.goes(step)


def test_a_strangers_repository_is_refused(bench: Bench) -> None:
    step = repository_of(bench)
    bench.plain("ecr").create_repository(repositoryName=step.slug)
    bench.is_refused(step)
    assert bench.resources(step) == []
