"""What a tag means: asked of a registry on loopback that behaves as the public ones do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from support.loopback_registry import LoopbackRegistry, loopback_registry

from eksprov.errors import ProvisioningError
from eksprov.pins.registry import Reference, Registry, reference

NAME = "seldonio/mlserver:1.7.1"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LoopbackRegistry]:
    with loopback_registry(tmp_path) as served:
        served.manifests[NAME] = b'{"schemaVersion": 2}'
        yield served


@pytest.mark.parametrize("asks_for_token", [True, False])
@pytest.mark.parametrize("names_digest", [True, False])
def test_the_digest_of_a_tag_is_the_manifests(
    registry: LoopbackRegistry, asks_for_token: bool, names_digest: bool
) -> None:
    registry.asks_for_token, registry.names_digest = asks_for_token, names_digest
    assert Registry(registry.pool()).digest(registry.image(NAME)) == registry.digest(NAME)
    methods = [seen.method for seen in registry.server.seen if seen.path.startswith("/v2/")]
    assert methods == ["HEAD"] * (1 + asks_for_token) + ["GET"] * (not names_digest)


def test_a_token_goes_to_the_registry_alone(registry: LoopbackRegistry) -> None:
    Registry(registry.pool()).digest(registry.image(NAME))
    (asked,) = [seen for seen in registry.server.seen if seen.path.startswith("/token")]
    assert "authorization" not in asked.headers


def test_a_registry_that_has_moved_an_image_is_followed(registry: LoopbackRegistry) -> None:
    registry.asks_for_token = False
    registry.moved["/v2/old/manifests/1"] = f"{registry.server.url}/v2/seldonio/mlserver/manifests/1.7.1"
    assert Registry(registry.pool()).digest(registry.image("old:1")) == registry.digest(NAME)


def refused(registry: LoopbackRegistry, name: str = NAME, pool: urllib3.PoolManager | None = None) -> str:
    with pytest.raises(ProvisioningError) as caught:
        Registry(pool or registry.pool()).digest(registry.image(name))
    return caught.value.message


def test_what_is_not_known_is_said_and_never_made_up(registry: LoopbackRegistry) -> None:
    assert refused(registry, "nobody/has:this") == "127.0.0.1 does not have it"
    registry.realm = "http://127.0.0.1:1/token"  # a token over plain HTTP is nobody's word
    assert refused(registry) == "127.0.0.1 wants credentials"
    registry.asks_for_token = False
    registry.moved["/v2/seldonio/mlserver/manifests/1.7.1"] = "http://127.0.0.1:1/elsewhere"
    assert "127.0.0.1" in refused(registry)


def test_a_certificate_that_nobody_signed_ends_it(registry: LoopbackRegistry) -> None:
    said = refused(registry, pool=urllib3.PoolManager())
    assert "does not answer" in said
    assert registry.server.seen == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("docker.io/seldonio/mlserver:1.7.1", ("registry-1.docker.io", "seldonio/mlserver", "1.7.1")),
        ("busybox", ("registry-1.docker.io", "library/busybox", "latest")),
        ("nvcr.io/nvidia/k8s-device-plugin:v0.20.0", ("nvcr.io", "nvidia/k8s-device-plugin", "v0.20.0")),
        ("localhost:5000/a/b:c", ("localhost:5000", "a/b", "c")),
    ],
)
def test_an_images_name_says_whom_to_ask(image: str, expected: tuple[str, str, str]) -> None:
    assert reference(image) == Reference(*expected)
