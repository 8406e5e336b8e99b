"""Laws of images: recognised by repository whatever stands before it; what is not known says so and what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from eksprov.local.node.containers import standins
from eksprov.local.node.containers.images import UnknownImageError, parse, recognise
from eksprov.local.node.containers.standins import MLSERVER, Copier

DOCS = Path(__file__).parents[3] / "docs" / "local-stand-ins.md"


def installed(package: str) -> str | None:
    return {"mlserver": "1.7.1"}.get(package)


@pytest.mark.parametrize(
    ("image", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "", "nginx", "", ""),
        ("seldonio/mlserver:1.7.1", "", "seldonio/mlserver", "1.7.1", ""),
        ("localhost:5000/a/b:2@sha256:ff", "localhost:5000", "a/b", "2", "sha256:ff"),
        ("123.dkr.ecr.eu-west-1.amazonaws.com/hub/x", "123.dkr.ecr.eu-west-1.amazonaws.com", "hub/x", "", ""),
    ],
)
def test_a_reference_is_taken_apart(image: str, registry: str, repository: str, tag: str, digest: str) -> None:
    name = parse(image)
    assert (name.registry, name.repository, name.tag, name.digest) == (registry, repository, tag, digest)


@pytest.mark.parametrize(
    "image",
    [
        "seldonio/mlserver:1.7.1",
        "docker.io/seldonio/mlserver:1.7.1-slim",
        "123456789012.dkr.ecr.us-west-2.amazonaws.com/hub/seldonio/mlserver:1.7.1-sklearn",
    ],
)
def test_the_model_server_is_known_from_any_registry(image: str) -> None:
    found = recognise(image, installed)
    assert (found.stand_in.runs, found.note) == (MLSERVER, "")


def test_another_version_of_the_model_server_is_told() -> None:
    found = recognise("seldonio/mlserver:1.6.0-slim", installed)
    assert found.note == "the installed mlserver 1.7.1 runs in place of the image's 1.6.0"


def test_a_digest_alone_is_told_to_name_no_version() -> None:
    assert "names no version" in recognise("seldonio/mlserver@sha256:abc", installed).note


def test_a_missing_package_is_named_with_its_cure() -> None:
    with pytest.raises(UnknownImageError, match="make setup"):
        recognise("seldonio/mlserver:1.7.1", lambda _: None)


@pytest.mark.parametrize("image", ["public.ecr.aws/aws-cli/aws-cli:2.31.0", "amazon/aws-cli"])
def test_the_aws_cli_is_known(image: str) -> None:
    assert recognise(image, installed).stand_in.runs == Copier()


@pytest.mark.parametrize(
    ("image", "role"),
    [
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.20.0-eksbuild.1", "cni"),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/coredns:v1.12.1-eksbuild.1", ""),
        ("nvcr.io/nvidia/k8s-device-plugin:v0.17.0", "nvidia"),
        ("public.ecr.aws/neuron/neuron-device-plugin:2", "neuron"),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20", "efa"),
        ("registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.0", ""),
        ("public.ecr.aws/karpenter/controller:1.8.0", "karpenter"),
        ("registry.k8s.io/pause:3.10", ""),
    ],
)
def test_system_images_are_stand_ins(image: str, role: str) -> None:
    stand_in = recognise(image, installed).stand_in
    assert (stand_in.runs, stand_in.role) == (None, role)


@pytest.mark.parametrize("image", ["nginx:1.27", "evil/notcoredns:1", "example.com/controller:1", "vllm/vllm-openai"])
def test_any_other_image_is_unknown_and_the_message_says_what_is_known(image: str) -> None:
    with pytest.raises(UnknownImageError) as refused:
        recognise(image, installed)
    assert image in str(refused.value)
    assert "seldonio/mlserver" in str(refused.value)


def test_the_declared_list_is_the_one_in_the_documentation() -> None:
    assert standins.table() in DOCS.read_text()
