"""The lock file as a file: what is written is read back, and what is wrong with it is named."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

import eksprov
from eksprov.errors import UsageError
from eksprov.local.node.containers.images import recognise
from eksprov.local.node.containers.standins import MLSERVER, Copier
from eksprov.pins.images import images_of, with_digests
from eksprov.pins.lockfile import Pins, beside, encode, read, write

DIGEST = "sha256:" + "a1" * 32
PINS = Pins(
    kubernetes_version="1.36",
    addons={"vpc-cni": "v1.21.1-eksbuild.1", "coredns": "v1.13.1-eksbuild.1"},
    node_releases={"workers": "1.36.0-20260901"},
    images={"docker.io/seldonio/mlserver:1.7.1": DIGEST},
    unresolved=("nvcr.io/nvidia/k8s-device-plugin:v0.20.0",),
)
POD = {
    "initContainers": [{"name": "fetch", "image": "aws-cli:2"}],
    "containers": [
        {"name": "server", "image": "docker.io/seldonio/mlserver:1.7.1"},
        {"name": "x", "image": "y:3@sha256:1"},
    ],
}


def test_what_is_written_is_read_back_by_everybody(tmp_path: Path) -> None:
    path = beside(tmp_path / "prod.yaml")
    assert (path.name, read(path)) == ("prod.lock.yaml", None)
    write(path, PINS)
    assert read(path) == PINS
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["prod.lock.yaml"]


def test_the_order_of_what_was_found_does_not_show() -> None:
    turned = Pins("1.36", dict(reversed(list(PINS.addons.items()))), PINS.node_releases, PINS.images, PINS.unresolved)
    assert encode(turned) == encode(PINS)
    assert encode(PINS).index("coredns") < encode(PINS).index("vpc-cni")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema: 1", "schema: 2", "not of schema 1"),
        ("addons:", "addon:", "unknown key, addon"),
        (DIGEST, "sha256:short", "images: docker.io/seldonio/mlserver:1.7.1: 'sha256:short' is no digest"),
        ("v1.13.1-eksbuild.1", "[1]", "addons: coredns: [1] is no version"),
        ("'1.36'", "1.36", "kubernetes_version is no version"),
        ("schema", "{", "no YAML"),
    ],
)
def test_what_is_wrong_with_it_is_named_with_the_cure(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "eksprov.lock.yaml"
    path.write_text(encode(PINS).replace(old, new))
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert said in caught.value.message
    assert "eksprov lock" in caught.value.hint


def test_an_image_keeps_its_tag_and_gets_its_digest() -> None:
    manifest = {"kind": "Deployment", "spec": {"replicas": 2, "template": {"metadata": {}, "spec": POD}}}
    assert images_of(manifest) == ("aws-cli:2", "docker.io/seldonio/mlserver:1.7.1", "y:3")
    held = with_digests(manifest, PINS.images)
    assert held["spec"]["template"]["spec"]["containers"][0]["image"] == f"docker.io/seldonio/mlserver:1.7.1@{DIGEST}"
    assert held["spec"]["template"]["spec"]["containers"][1] == POD["containers"][1]
    assert {**held, "spec": 0} == {**manifest, "spec": 0}
    assert with_digests({"kind": "Service", "spec": {"ports": []}}, PINS.images)["spec"] == {"ports": []}


def test_a_digest_that_a_manifest_names_is_looked_up_like_any_other_and_the_registrys_answer_wins() -> None:
    wrong = f"docker.io/seldonio/mlserver:1.7.1@sha256:{'a' * 64}"
    pod = {"containers": [{"name": "server", "image": wrong}]}
    manifest = {"kind": "Deployment", "spec": {"template": {"spec": pod}}}
    assert images_of(manifest) == ("docker.io/seldonio/mlserver:1.7.1",)
    held = with_digests(manifest, PINS.images)
    assert held["spec"]["template"]["spec"]["containers"][0]["image"] == f"docker.io/seldonio/mlserver:1.7.1@{DIGEST}"
    assert with_digests(manifest, {}) == manifest


def test_no_source_names_a_digest_that_no_registry_has_been_asked_for() -> None:
    """Tags are in the source, digests come from a registry into the lock file: one typed here may be another's."""
    sources = Path(eksprov.__file__).parent.rglob("*.py")
    assert [str(path) for path in sources if re.search(r"sha256:[0-9a-f]{64}", path.read_text())] == []


def test_the_local_world_knows_an_image_by_its_digest_too() -> None:
    server = recognise(f"docker.io/seldonio/mlserver:1.7.1@{DIGEST}", lambda _: "1.7.1")
    copier = recognise(f"public.ecr.aws/aws-cli/aws-cli:2.32.13@{DIGEST}")
    assert (server.stand_in.runs, server.note, copier.stand_in.runs) == (MLSERVER, "", Copier())
