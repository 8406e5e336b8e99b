"""What every `KubeApi` does: the same tests hold the one in memory, also behind HTTPS, to a real API server."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.memory_kube import MemoryKube
from support.memory_ledger import MemoryLedger
from support.real_kube import WallClock, client
from support.samples import STACK, spec
from support.served_kube import served_kube

from eksprov import errors
from eksprov.core.convergence.converge import Run, converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Owner
from eksprov.kube.api import ConflictError, KubeApi, Ref, UnknownKindError
from eksprov.kube.client import KubeClient
from eksprov.kube.owned import cut, flat
from eksprov.serving import manifests
from eksprov.serving.objects import KubeObject

NUMBERS = itertools.count(1)


@pytest.fixture(params=["memory", "served", pytest.param("real", marks=pytest.mark.kubernetes)])
def kube(request: pytest.FixtureRequest) -> KubeApi:
    if request.param == "served":
        url, ca_data = request.getfixturevalue("served")
        return KubeClient(url, ca_data, lambda: "a token", WallClock())
    return request.getfixturevalue("memory") if request.param == "memory" else client(request.getfixturevalue("plane"))


@pytest.fixture
def memory() -> MemoryKube:
    return MemoryKube()


@pytest.fixture
def served(memory: MemoryKube, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The one in memory behind HTTPS: URL and CA."""
    with served_kube(tmp_path, lambda _: memory) as server:
        yield server.url, server.ca_data


@pytest.fixture
def namespace(kube: KubeApi) -> Iterator[str]:
    """A fresh namespace that enforces "restricted"."""
    name = f"laws-{next(NUMBERS)}"
    kube.apply(manifests.shared(name, STACK)[f"model/@{name}/namespace"])
    yield name
    kube.delete(Ref("v1", "Namespace", "", name))


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    meta = {"name": "thing", "namespace": namespace, "labels": {"a": "b"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def eventually_gone(kube: KubeApi, ref: Ref) -> bool:
    for _ in range(100):
        if kube.get(ref) is None:
            return True
        if not isinstance(kube, MemoryKube):
            time.sleep(0.1)
    return False


def test_what_was_applied_is_read_back_and_listed(kube: KubeApi, namespace: str) -> None:
    manifest = config_map(namespace, x="1")
    kube.apply(manifest)
    found = kube.get(Ref.of(manifest))
    assert found is not None
    assert found["data"] == {"x": "1"}
    assert found["metadata"]["uid"]
    listed = kube.list("v1", "ConfigMap", namespace, "a=b")
    assert [(one["kind"], one["metadata"]["name"]) for one in listed] == [("ConfigMap", "thing")]
    assert kube.list("v1", "ConfigMap", namespace, "a=c") == []


def test_what_is_not_there_is_none(kube: KubeApi, namespace: str) -> None:
    assert kube.get(Ref("v1", "ConfigMap", namespace, "absent")) is None
    kube.delete(Ref("v1", "ConfigMap", namespace, "absent"))


def test_a_field_no_longer_applied_goes(kube: KubeApi, namespace: str) -> None:
    kube.apply(config_map(namespace, x="1", y="2"))
    kube.apply(config_map(namespace, x="1"))
    found = kube.get(Ref("v1", "ConfigMap", namespace, "thing"))
    assert found is not None
    assert found["data"] == {"x": "1"}


def test_a_dry_run_changes_nothing(kube: KubeApi, namespace: str) -> None:
    answer = kube.apply(config_map(namespace, x="1"), dry_run=True)
    assert answer["data"] == {"x": "1"}
    assert kube.get(Ref("v1", "ConfigMap", namespace, "thing")) is None


def test_applying_the_same_again_changes_no_generation(kube: KubeApi, namespace: str) -> None:
    service = {**manifests.of_model(spec(namespace=namespace))["model/digits/deployment"]}
    first = kube.apply(service)
    second = kube.apply(service)
    assert second["metadata"]["generation"] == first["metadata"]["generation"]


def test_a_field_of_another_manager_is_a_conflict_that_names_it_and_force_takes_it(
    request: pytest.FixtureRequest, kube: KubeApi, namespace: str
) -> None:
    kube.apply(config_map(namespace, x="1"))
    apply_as(request, "gitops", config_map(namespace, x="2"))
    with pytest.raises(ConflictError) as caught:
        kube.apply(config_map(namespace, x="1"))
    assert caught.value.managers == ("gitops",)
    assert kube.apply(config_map(namespace, x="1"), force=True)["data"] == {"x": "1"}


def test_delete_by_uid_leaves_another_object_of_that_name(kube: KubeApi, namespace: str) -> None:
    kube.apply(config_map(namespace, x="1"))
    ref = Ref("v1", "ConfigMap", namespace, "thing")
    with pytest.raises(errors.ProvisioningError):
        kube.delete(ref, uid="00000000-0000-0000-0000-000000000000")
    assert kube.get(ref) is not None
    found = kube.get(ref)
    assert found is not None
    kube.delete(ref, uid=found["metadata"]["uid"])
    assert eventually_gone(kube, ref)


def test_a_namespace_takes_what_is_in_it(kube: KubeApi) -> None:
    name = f"laws-{next(NUMBERS)}"
    kube.apply(manifests.shared(name, STACK)[f"model/@{name}/namespace"])
    kube.apply(config_map(name, x="1"))
    kube.delete(Ref("v1", "Namespace", "", name))
    assert eventually_gone(kube, Ref("v1", "Namespace", "", name))
    assert kube.get(Ref("v1", "ConfigMap", name, "thing")) is None


def test_an_object_in_a_namespace_that_is_not_there_is_refused(kube: KubeApi) -> None:
    with pytest.raises(errors.ProvisioningError, match="not found"):
        kube.apply(config_map("nowhere", x="1"))


def test_a_kind_that_nobody_knows_is_refused(kube: KubeApi, namespace: str) -> None:
    strange = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": namespace}}
    with pytest.raises(UnknownKindError, match="does not know the kind Thing"):
        kube.apply(strange)
    with pytest.raises(UnknownKindError, match="does not know the kind Thing"):
        kube.list("example.org/v1", "Thing")


def test_pod_security_refuses_a_plain_pod_and_says_so(kube: KubeApi, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "plain", "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    with pytest.raises(errors.ProvisioningError, match='violates PodSecurity "restricted'):
        kube.apply(pod, dry_run=True)


def test_pod_security_admits_the_pods_of_our_deployment(
    request: pytest.FixtureRequest, kube: KubeApi, namespace: str
) -> None:
    objects = manifests.of_model(spec(namespace=namespace))
    kube.apply(objects["model/digits/service-account"])
    template = objects["model/digits/deployment"]["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "ours", "namespace": namespace, "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }
    if is_real(request):  # the admission of service accounts asks for it to be there for all
        wait_for_service_account(kube, namespace)
    assert kube.apply(pod, dry_run=True)["metadata"]["name"] == "ours"


def test_twice_is_once_for_every_object_of_a_model(kube: KubeApi, namespace: str) -> None:
    """The second converge changes nothing, because what is read back, cut to our fields, is what was sent."""
    run = Run(Owner("demo", "id-1"), WallClock(), kube, MemoryLedger())
    objects = [*manifests.shared(namespace, STACK).values(), *manifests.of_model(spec(namespace=namespace)).values()]
    for manifest in objects:
        step = KubeObject(name="x", slug=str(Ref.of(manifest)), manifest=manifest)
        converge(step, Outputs(), run)
        live = kube.get(Ref.of(manifest))
        assert live is not None
        assert cut(live, manifest) == flat(manifest)
        assert converge(step, Outputs(), run).status is Status.UNCHANGED


def test_a_survey_finds_what_carries_the_label_and_remove_takes_it_away(kube: KubeApi, namespace: str) -> None:
    run = Run(Owner("demo", "id-1"), WallClock(), kube, MemoryLedger())
    manifest = manifests.of_model(spec(namespace=namespace))["model/digits/service"]
    step = KubeObject(name="model/digits/service", slug=str(Ref.of(manifest)), manifest=manifest)
    converge(step, Outputs(), run)
    seen = [s for s in KubeObject.list_owned(kube, "demo") if s.slug == step.slug]
    assert [s.owner.step for s in seen] == ["model/digits/service"]
    assert list(KubeObject.list_owned(kube, "dem")) == []
    step_found = KubeObject.from_record(seen[0].owner.step, seen[0].slug)
    assert remove(step_found, run).status is Status.DELETED
    assert remove(step_found, run).status is Status.ABSENT


def apply_as(request: pytest.FixtureRequest, manager: str, manifest: dict[str, Any]) -> None:
    """Somebody else sets fields, with force."""
    if is_real(request):
        client(request.getfixturevalue("plane"), manager=manager).apply(manifest, force=True)
    else:
        request.getfixturevalue("memory").apply_as(manager, manifest, force=True)


def is_real(request: pytest.FixtureRequest) -> bool:
    """Whether this test has a real API server."""
    return "real" in request.node.callspec.params.values()


def wait_for_service_account(kube: KubeApi, namespace: str) -> None:
    for _ in range(100):
        if kube.get(Ref("v1", "ServiceAccount", namespace, "default")) is not None:
            return
        time.sleep(0.1)


@pytest.mark.kubernetes
def test_who_has_no_rights_is_told_under_which_name(request: pytest.FixtureRequest) -> None:
    nobody = client(request.getfixturevalue("plane"), "nobody")
    with pytest.raises(errors.AccessError, match="cannot list") as caught:
        nobody.list("v1", "Pod")
    assert "assumed-role/nobody/me" in caught.value.hint


@pytest.mark.kubernetes
def test_a_token_that_is_not_accepted_is_an_access_error(request: pytest.FixtureRequest) -> None:
    with pytest.raises(errors.AccessError, match="does not accept") as caught:
        client(request.getfixturevalue("plane"), "unknown").list("v1", "Pod")
    assert "unknown" not in str(caught.value)


@pytest.mark.kubernetes
def test_a_kind_off_the_table_is_found_by_discovery(request: pytest.FixtureRequest) -> None:
    admin = client(request.getfixturevalue("plane"))
    assert admin.list("scheduling.k8s.io/v1", "PriorityClass")
    assert admin.server_version().startswith("v1.")


@pytest.mark.kubernetes
def test_pages_of_a_list_are_put_together(request: pytest.FixtureRequest) -> None:
    admin = client(request.getfixturevalue("plane"))
    name = f"laws-{next(NUMBERS)}"
    admin.apply(manifests.shared(name, STACK)[f"model/@{name}/namespace"])
    for number in range(5):
        manifest = config_map(name, x="1")
        manifest["metadata"] = {**manifest["metadata"], "name": f"thing-{number}"}
        admin.apply(manifest)
    admin.page = 2
    assert len(admin.list("v1", "ConfigMap", name, "a=b")) == 5
