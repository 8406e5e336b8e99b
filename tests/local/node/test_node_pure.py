"""Laws of what a node decides without Kubernetes: paths, environment, back-off, addresses, node facts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eksprov.local.contract import AddonSpec, Json, NodeSpec
from eksprov.local.node import machine
from eksprov.local.node.addons import Place, objects
from eksprov.local.node.containers.backoff import Backoff, restarts
from eksprov.local.node.containers.environment import ConfigMissingError, Sources, environment, expand, quantity
from eksprov.local.node.containers.paths import place, translate
from eksprov.local.node.network import AddressPool, DialTable, free_ports

MOUNTS = {"/mnt/models": Path("/h/model"), "/mnt": Path("/h/mnt"), "/tmp": Path("/h/tmp")}
POD: Json = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app.io/x": "y"}},
    "spec": {"nodeName": "node", "serviceAccountName": "sa"},
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/mnt/models", "/h/model"),
        ("/mnt/models/", "/h/model"),
        ("/mnt/models/a/b", "/h/model/a/b"),
        ("/mnt/modelsX", "/h/mnt/modelsX"),
        ("/mntX", "/mntX"),
        ("see /mnt/models", "see /mnt/models"),
        ("", ""),
    ],
)
def test_the_longest_mount_path_at_the_beginning_is_replaced(word: str, expected: str) -> None:
    assert translate(word, MOUNTS) == expected


def test_a_container_never_reaches_outside_its_own_folders() -> None:
    root = Path("/h/rootfs")
    assert place("/etc/passwd", MOUNTS, root) == Path("/h/rootfs/etc/passwd")
    assert place("relative", MOUNTS, root) == Path("/h/rootfs/relative")
    assert place("/mnt/models/x", MOUNTS, root) == Path("/h/model/x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$(A)/$(B)", "1/$(B)"), ("$$(A)", "$(A)"), ("$A", "$A"), ("$(A", "$(A"), ("a$$b", "a$b")],
)
def test_references_expand_as_in_kubernetes(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


def env_of(*variables: Json, **container: Any) -> dict[str, str]:
    sources = Sources({"cm": {"k": "v", "l": "w"}}, {"s": {"key": "hidden"}})
    return environment({"env": list(variables), **container}, POD, sources, {"podIP": "10.0.0.9"})


def test_every_kind_of_variable_is_known() -> None:
    origins = {
        "A": {"fieldRef": {"fieldPath": "metadata.labels['app.io/x']"}},
        "B": {"fieldRef": {"fieldPath": "status.podIP"}},
        "C": {"secretKeyRef": {"name": "s", "key": "key"}},
        "D": {"configMapKeyRef": {"name": "cm", "key": "k"}},
        "E": {"resourceFieldRef": {"resource": "limits.cpu"}},
        "F": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
    }
    variables = [{"name": name, "valueFrom": origin} for name, origin in origins.items()]
    found = env_of(
        *variables,
        {"name": "G", "value": "$(A)-$(P_l)"},
        envFrom=[{"prefix": "P_", "configMapRef": {"name": "cm"}}],
        resources={"limits": {"cpu": "1500m", "memory": "1Gi"}},
    )
    expected = {"A": "y", "B": "10.0.0.9", "C": "hidden", "D": "v", "E": "2", "F": "1024", "G": "y-w"}
    assert found == {"P_k": "v", "P_l": "w", **expected}


def test_what_is_missing_is_an_error_unless_it_is_optional() -> None:
    absent = {"name": "cm", "key": "nope"}
    with pytest.raises(ConfigMissingError, match="nope"):
        env_of({"name": "A", "valueFrom": {"configMapKeyRef": absent}})
    with pytest.raises(ConfigMissingError, match='secret "gone" not found'):
        env_of(envFrom=[{"secretRef": {"name": "gone"}}])
    assert env_of({"name": "A", "valueFrom": {"configMapKeyRef": {**absent, "optional": True}}}) == {}


@pytest.mark.parametrize(("text", "value"), [("500m", 0.5), ("1Gi", 2**30), ("2k", 2000), ("3", 3), ("1e3", 1000)])
def test_quantities_are_read(text: str, value: float) -> None:
    assert float(quantity(text)) == value


def test_back_off_is_none_then_ten_seconds_doubling_to_five_minutes_and_forgets_after_ten_minutes() -> None:
    backoff = Backoff()
    assert [backoff.delay(1) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert backoff.delay(600) == 0
    assert backoff.delay(1) == 10


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("Always", 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True), ("Never", 1, False)],
)
def test_the_restart_policy_decides(policy: str, code: int, again: bool) -> None:
    assert restarts(policy, code) is again


def test_pods_get_addresses_of_their_nodes_subnet_each_once() -> None:
    pool = AddressPool(("10.0.0.0/24", "10.0.1.0/24"))
    first, second = pool.take("10.0.1.7"), pool.take("10.0.1.7")
    assert (first, second) == ("10.0.1.254", "10.0.1.253")
    pool.give_back(first)
    assert pool.take("10.0.1.7") == first
    assert pool.take("192.168.0.1").startswith("10.42.")


def test_pods_of_an_ipv6_cluster_get_addresses_of_their_subnets_other_range() -> None:
    pool = AddressPool(("10.0.0.0/24", "10.0.1.0/24"), ("2001:db8::/64", "2001:db8:0:1::/64"))
    assert pool.take("10.0.1.7") == "2001:db8:0:1:ffff:ffff:ffff:fffe"
    assert pool.take("10.0.0.7") == "2001:db8::ffff:ffff:ffff:fffe"


def test_the_dial_table_knows_only_what_is_open() -> None:
    table = DialTable()
    table.open("10.0.0.5", {8080: 41000, 8081: 41001})
    assert table.dial("10.0.0.5", 8080) == ("127.0.0.1", 41000)
    assert table.dial("10.0.0.5", 9) is None
    table.open("10.0.0.5", {8080: 42000})
    table.shut("10.0.0.5", {8080: 41000, 8081: 41001})
    assert table.dial("10.0.0.5", 8080) == ("127.0.0.1", 42000)
    assert table.dial("10.0.0.5", 8081) is None
    table.close("10.0.0.5")
    assert table.dial("10.0.0.5", 8080) is None


def test_free_ports_differ() -> None:
    assert len(set(free_ports(5))) == 5


def gpu_node(**more: Any) -> NodeSpec:
    plain = {"vcpus": 4, "memory_mib": 16384, "disk_gib": 100, "max_pods": 29, "nodegroup": "g", "gpus": 1}
    place_ = {"region": "us-west-2", "zone": "us-west-2a", "instance_type": "g5.xlarge", "architecture": "amd64"}
    return NodeSpec("n", "i-1", "aws:///us-west-2a/i-1", "10.0.0.9", **{**plain, **place_, **more})


def test_devices_count_only_while_their_plugin_runs() -> None:
    assert machine.GPU not in machine.capacity(gpu_node(), frozenset())
    assert machine.capacity(gpu_node(), frozenset({"nvidia"}))[machine.GPU] == "1"
    assert machine.NEURON not in machine.capacity(gpu_node(), frozenset({"neuron"}))
    assert machine.capacity(gpu_node(efa_interfaces=4), frozenset({"efa"}))[machine.EFA] == "4"
    assert machine.EFA not in machine.capacity(gpu_node(efa_interfaces=4), frozenset({"nvidia"}))


def test_pods_get_what_eks_leaves_them() -> None:
    left = machine.allocatable(gpu_node(), frozenset())
    assert left["cpu"] == "3920m"
    assert left["memory"] == f"{(16384 - 255 - 11 * 29 - 100) * 1024}Ki"


def test_a_node_without_cni_is_not_ready_and_says_why() -> None:
    ready = machine.conditions(False, datetime(2026, 1, 1, tzinfo=UTC))[-1]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "KubeletNotReady")
    assert "cni plugin not initialized" in ready["message"]


def test_the_node_groups_labels_do_not_override_the_kubelets() -> None:
    labels = machine.labels(gpu_node(labels={"a": "b", "kubernetes.io/arch": "s390x"}))
    assert labels["a"] == "b"
    assert labels["kubernetes.io/arch"] == "amd64"


@pytest.mark.parametrize(
    ("addon", "told", "heard"),
    [
        ("coredns", {"tolerations": [{"operator": "Exists"}]}, True),
        ("metrics-server", {"tolerations": [{"operator": "Exists"}]}, True),
        ("aws-ebs-csi-driver", {"controller": {"tolerations": [{"operator": "Exists"}]}}, True),
        ("aws-mountpoint-s3-csi-driver", {"controller": {"tolerations": [{"operator": "Exists"}]}}, False),
    ],
)
def test_deployments_of_addons_tolerate_what_their_configuration_says(addon: str, told: Json, heard: bool) -> None:
    """The scheduler of the local world is a real one, so this alone decides whether they find a tainted node."""
    for configuration, expected in ((told, heard), ({}, False)):
        made = objects(AddonSpec(addon, "v1", configuration), Place("us-west-2", "10.100.0.10"))
        pods = [one["spec"]["template"]["spec"] for one in made or () if one["kind"] == "Deployment"]
        assert [{"operator": "Exists"} in pod["tolerations"] for pod in pods] == [expected]
