"""The manifests, judged by written standards and by arithmetic, not by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pod_security import violations
from support.samples import STACK, spec

from eksprov.kube.owned import quantity
from eksprov.serving import manifests
from eksprov.serving.export import export
from eksprov.serving.graph import all_manifests
from eksprov.serving.runtimes.mlserver_sklearn import RUNTIME as MLSERVER_SKLEARN
from eksprov.serving.spec import ModelSpec
from eksprov.serving.workload import REVISION

VARIANTS = [
    spec(),
    spec(replicas={"min": 3, "max": 9}, cpu=2.25, memory_mib=8192, drain_s=0, startup_timeout_s=7200),
    spec(size_bytes=40 * 2**30, namespace="ml", predict_timeout_s=300),
]


def deployment(one: ModelSpec) -> Any:
    return manifests.of_model(one)[f"model/{one.name}/deployment"]


def pod(one: ModelSpec) -> Any:
    return deployment(one)["spec"]["template"]["spec"]


def containers(one: ModelSpec) -> list[Any]:
    return [*pod(one)["initContainers"], *pod(one)["containers"]]


@pytest.mark.parametrize("one", VARIANTS)
def test_the_pods_satisfy_pod_security_restricted(one: ModelSpec) -> None:
    assert violations(pod(one)) == []


def test_the_written_standard_does_find_violations() -> None:
    assert violations({"hostNetwork": True, "containers": [{"name": "c"}], "volumes": [{"name": "v", "hostPath": {}}]})


@pytest.mark.parametrize("one", VARIANTS)
def test_every_container_has_a_read_only_root_and_writes_only_to_sized_volumes(one: ModelSpec) -> None:
    sized = {v["name"] for v in pod(one)["volumes"] if v["emptyDir"].get("sizeLimit")}
    for container in containers(one):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["name"] for mount in container["volumeMounts"]} <= sized
        homes = [
            e["value"]
            for e in container["env"]
            if e["name"] in ("HOME", "MLSERVER_METRICS_DIR", "MLSERVER_ENVIRONMENTS_DIR")
        ]
        assert all(home == "/tmp" or home.startswith("/tmp/") for home in homes)
    server = pod(one)["containers"][0]
    assert next(m for m in server["volumeMounts"] if m["mountPath"] == "/mnt/models")["readOnly"] is True


@pytest.mark.parametrize("one", VARIANTS)
def test_every_container_names_cpu_memory_and_disk_and_the_disk_holds_its_volumes(one: ModelSpec) -> None:
    volumes = sum(quantity(v["emptyDir"]["sizeLimit"]) for v in pod(one)["volumes"])
    for container in containers(one):
        assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
        assert "cpu" not in container["resources"]["limits"]
        assert quantity(container["resources"]["limits"]["ephemeral-storage"]) > volumes
    server = pod(one)["containers"][0]["resources"]
    assert server["requests"]["memory"] == server["limits"]["memory"]
    assert quantity(pod(one)["volumes"][0]["emptyDir"]["sizeLimit"]) > one.size_bytes


@pytest.mark.parametrize("one", VARIANTS)
def test_the_grace_period_outlasts_draining_and_the_deadline_outlasts_starting(one: ModelSpec) -> None:
    lifecycle = pod(one)["containers"][0].get("lifecycle")
    slept = lifecycle["preStop"]["sleep"]["seconds"] if lifecycle else 0
    assert slept == one.model.drain_s
    busy = one.model.predict_timeout_s  # what it is at when SIGTERM comes
    assert pod(one)["terminationGracePeriodSeconds"] > slept + max(one.runtime.server_drain_s, busy) + 5
    probe = pod(one)["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= one.model.startup_timeout_s
    assert deployment(one)["spec"]["progressDeadlineSeconds"] > one.model.startup_timeout_s


def test_the_number_of_replicas_is_the_autoscalers_alone() -> None:
    objects = manifests.of_model(VARIANTS[1])
    assert "replicas" not in objects["model/digits/deployment"]["spec"]
    scaler = objects["model/digits/autoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)


def test_images_have_an_exact_version_and_no_made_up_digest() -> None:
    for container in containers(VARIANTS[0]):
        tag = container["image"].rpartition(":")[2]
        assert tag[0].isdigit()
        assert tag.count(".") >= 2
        assert "@" not in container["image"]


def test_the_revision_changes_with_what_makes_a_pod_new_and_with_nothing_else() -> None:
    def revision(one: ModelSpec) -> str:
        marks: dict[str, str] = deployment(one)["spec"]["template"]["metadata"]["labels"]
        return marks[REVISION]

    assert revision(spec()) == revision(spec(replicas={"min": 2, "max": 3}, target_cpu_percent=50))
    others = [spec(digest="f" * 16), spec(memory_mib=2048), spec(drain_s=16), spec(cpu=1.0)]
    assert len({revision(one) for one in [spec(), *others]}) == 5


def test_every_object_carries_its_owner_and_a_hash_of_itself() -> None:
    for step, manifest in {**manifests.shared("models", STACK), **manifests.of_model(spec())}.items():
        assert manifest["metadata"]["labels"]["eksprov.dev/stack"] == "demo"
        notes = manifest["metadata"]["annotations"]
        assert (notes["eksprov.dev/stack-id"], notes["eksprov.dev/step"]) == ("id-1", step)
        assert len(notes["eksprov.dev/rendered"]) == 16
        assert step.startswith("model/")


def test_nothing_comes_in_but_http_and_nothing_goes_out_but_what_is_needed() -> None:
    deny = manifests.shared("models", STACK)["model/@models/default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    rules = manifests.of_model(spec())["model/digits/network-policy"]["spec"]
    assert rules["policyTypes"] == ["Ingress", "Egress"]
    (ingress,) = rules["ingress"]
    assert [port["port"] for port in ingress["ports"]] == [8080]
    assert [c["ipBlock"]["cidr"] for c in ingress["from"] if "ipBlock" in c] == list(STACK.subnet_cidrs)
    assert all(rule.get("to") and rule.get("ports") for rule in rules["egress"])
    assert sorted({port["port"] for rule in rules["egress"] for port in rule["ports"]}) == [53, 80, 443]


def blocks(peers: list[Any]) -> list[str]:
    return [peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer]


def test_with_ipv6_pods_listen_at_their_own_address_and_reach_both_families() -> None:
    stack = replace(STACK, ipv6=True, subnet_cidrs=(*STACK.subnet_cidrs, "2001:db8:0:1::/64"))
    env = {one["name"]: one for one in pod(spec(stack=stack))["containers"][0]["env"]}
    assert env["MLSERVER_HOST"]["value"] == "$(POD_NAME)"
    assert env["POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert list(env).index("POD_NAME") < list(env).index("MLSERVER_HOST")  # else Kubernetes would not put it in
    rules = manifests.of_model(spec(stack=stack))["model/digits/network-policy"]["spec"]
    out = {rule["ports"][0]["port"]: blocks(rule["to"]) for rule in rules["egress"]}
    assert out == {53: [], 80: ["169.254.170.23/32", "fd00:ec2::23/128"], 443: ["0.0.0.0/0", "::/0"]}
    assert blocks(rules["ingress"][0]["from"]) == list(stack.subnet_cidrs)


@pytest.mark.parametrize("ipv6", [False, True])
def test_dns_of_auto_modes_nodes_is_named_by_address_and_that_of_others_by_pod_alone(*, ipv6: bool) -> None:
    everywhere = ["0.0.0.0/0", "::/0"][: 2 if ipv6 else 1]
    for on_nodes, expected in ((False, []), (True, everywhere)):
        stack = replace(STACK, ipv6=ipv6, dns_on_nodes=on_nodes)
        rules = manifests.of_model(spec(stack=stack))["model/digits/network-policy"]["spec"]["egress"]
        (dns,) = [rule for rule in rules if rule["ports"][0]["port"] == 53]
        assert blocks(dns["to"]) == expected
        assert any("podSelector" in peer for peer in dns["to"])


def test_the_image_carries_no_more_than_its_runtime() -> None:
    assert pod(spec())["containers"][0]["image"].endswith(f":{MLSERVER_SKLEARN.version}-sklearn")


def test_selectors_match_the_pods_and_hold_nothing_that_changes() -> None:
    labels = deployment(spec())["spec"]["template"]["metadata"]["labels"]
    for digest in ("0" * 16, "1" * 16):
        objects = manifests.of_model(spec(digest=digest))
        selectors = [
            objects["model/digits/deployment"]["spec"]["selector"]["matchLabels"],
            objects["model/digits/service"]["spec"]["selector"],
            objects["model/digits/disruption-budget"]["spec"]["selector"]["matchLabels"],
            objects["model/digits/network-policy"]["spec"]["podSelector"]["matchLabels"],
        ]
        assert all(selector.items() <= labels.items() for selector in selectors)


def test_exported_files_are_the_manifests_in_order_without_aliases(tmp_path: Path) -> None:
    paths = export(all_manifests(spec()), tmp_path / "out")
    assert [p.name for p in paths] == sorted(p.name for p in paths)
    assert paths[0].name == "00-namespace-models.yaml"
    read = [yaml.safe_load(p.read_text()) for p in paths]
    plain = json.loads(json.dumps(all_manifests(spec())))
    assert sorted(read, key=str) == sorted(plain, key=str)
    assert not any("&id" in p.read_text() for p in paths)
