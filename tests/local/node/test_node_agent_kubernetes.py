"""Laws of the nodes against a real control plane: what a user of kubectl sees, and what is left afterwards."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from moto.server import ThreadedMotoServer
from sklearn.datasets import load_digits
from support.node_pods import BUCKET, VOLUMES, automatic, deployment, fetcher, server, upload
from support.node_world import ARN, World, condition, container_of, marked_processes, node, node_world, pod_of, until

from eksprov.local.contract import AddonSpec, AutoMode, NodeSpec

pytestmark = pytest.mark.kubernetes
ADDONS = ("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "metrics-server")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3: str) -> Iterator[World]:
    with node_world(tmp_path_factory.mktemp("home"), s3) as world:
        yield world


@pytest.fixture(scope="module")
def nodes(world: World) -> tuple[NodeSpec, ...]:
    """Two nodes, Ready; the law that they are not before the CNI is there is checked on the way."""
    specs = (node(10, labels={"team": "a"}), node(11, gpus=4))
    world.hub.add_nodes(ARN, specs)
    path = f"node/{specs[0].name}"
    ready = until(
        lambda: condition(world.get(path), "Ready") if world.run("get", path, check=False)[0] == "N" else None
    )
    assert ready["status"] == "False"
    assert "cni plugin not initialized" in ready["message"]
    assert not world.hub.node_ready(ARN, specs[0].name)
    for name in ADDONS:
        world.hub.install_addon(ARN, AddonSpec(name, "v1.2.3-eksbuild.1"))
    until(lambda: all(world.hub.node_ready(ARN, spec.name) for spec in specs))
    return specs


def test_a_node_is_ready_with_the_instances_labels_and_capacity(world: World, nodes: tuple[NodeSpec, ...]) -> None:
    live = world.get(f"node/{nodes[0].name}")
    assert condition(live, "Ready") is not None
    assert live["spec"]["providerID"] == nodes[0].provider_id
    assert live["metadata"]["labels"]["team"] == "a"
    assert live["metadata"]["labels"]["topology.kubernetes.io/zone"] == "us-west-2a"
    assert live["status"]["capacity"]["cpu"] == "2"
    assert until(lambda: not world.get(f"node/{nodes[0].name}")["spec"].get("taints"))


@pytest.mark.usefixtures("nodes")
def test_addons_become_healthy_and_their_pods_are_marked_as_stand_ins(world: World) -> None:
    until(lambda: all(world.hub.addon_health(ARN, name).ready for name in ADDONS))
    pod = pod_of(world, "k8s-app=kube-dns", "kube-system")
    assert pod is not None
    assert pod["metadata"]["annotations"]["eksprov.dev/stand-in"] == "true"
    assert world.get("service/kube-dns", "-n", "kube-system")["spec"]["clusterIP"] == "10.100.0.10"
    assert not world.hub.addon_health(ARN, "no-such-addon").ready


def test_a_gpu_is_visible_only_once_its_device_plugin_runs(world: World, nodes: tuple[NodeSpec, ...]) -> None:
    path = f"node/{nodes[1].name}"
    assert "nvidia.com/gpu" not in world.get(path)["status"]["capacity"]
    world.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "plugin", "namespace": "kube-system"},
            "spec": {
                "nodeName": nodes[1].name,
                "containers": [{"name": "plugin", "image": "nvcr.io/nvidia/k8s-device-plugin:v0.17.0"}],
            },
        }
    )
    until(lambda: world.get(path)["status"]["capacity"].get("nvidia.com/gpu") == "4")
    world.run("delete", "pod", "plugin", "-n", "kube-system")
    until(lambda: world.get(path)["status"]["allocatable"].get("nvidia.com/gpu") == "0")


@pytest.mark.usefixtures("nodes")
def test_an_unknown_image_ends_in_err_image_pull_with_an_event_that_says_so(world: World) -> None:
    world.apply(deployment("web", [{"name": "web", "image": "docker.io/library/nginx:1.27"}]))
    waiting = until(lambda: container_of(world, "app=web").get("state", {}).get("waiting"))
    assert waiting["reason"] in ("ContainerCreating", "ErrImagePull", "ImagePullBackOff")
    until(lambda: container_of(world, "app=web")["state"]["waiting"]["reason"] == "ImagePullBackOff")
    events = world.get("events", "--field-selector", "reason=Failed")["items"]
    assert any("the local world does not know the image" in event["message"] for event in events)
    assert events[0]["source"]["component"] == "kubelet"
    world.run("delete", "deployment", "web", "--wait=true")


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="mlserver 1.7.1 needs Python below 3.13")
@pytest.mark.usefixtures("nodes")
def test_a_model_fetched_by_the_pods_own_rights_answers_through_the_service_proxy(
    world: World, s3: str, tmp_path: Path
) -> None:
    model = upload(s3, tmp_path)
    world.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "digits", "namespace": "default"}},
        deployment(
            "digits",
            [server()],
            serviceAccountName="digits",
            initContainers=[fetcher("digits/v1")],
            volumes=VOLUMES,
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "digits", "namespace": "default"},
            "spec": {"selector": {"app": "digits"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    )
    until(lambda: container_of(world, "app=digits").get("ready"), 90)
    images = load_digits().data[:7]
    question = {"name": "predict", "shape": [7, 64], "datatype": "FP64", "data": images.ravel().tolist()}
    path = "/api/v1/namespaces/default/services/http:digits:http/proxy/v2/models/digits/infer"
    answer = json.loads(world.run("create", "--raw", path, "-f", "-", stdin=json.dumps({"inputs": [question]})))
    assert answer["outputs"][0]["data"] == model.predict(images).tolist()
    _logs_are_served(world)
    _a_killed_server_is_restarted(world)
    _deleting_ends_the_process(world)


def _logs_are_served(world: World) -> None:
    pod = pod_of(world, "app=digits")
    assert pod is not None
    name = pod["metadata"]["name"]
    assert f"download: s3://{BUCKET}/digits/v1/model.joblib to" in world.run("logs", name, "-c", "fetch")
    assert "Uvicorn running" in world.run("logs", name, "-c", "server")
    assert len(world.run("logs", name, "-c", "server", "--tail=2").splitlines()) == 2
    assert "not found" in world.run("logs", name, "-c", "server", "--previous", check=False)
    assert "do not offer exec" in world.run("exec", name, "--", "ls", check=False)


def _a_killed_server_is_restarted(world: World) -> None:
    (victim,) = marked_processes(world.home / "clusters" / next((world.home / "clusters").iterdir()).name / "nodes")
    psutil.Process(victim).kill()
    until(lambda: container_of(world, "app=digits")["restartCount"] == 1)
    assert container_of(world, "app=digits")["lastState"]["terminated"]["exitCode"] == 137
    until(lambda: container_of(world, "app=digits").get("ready"), 90)


def _deleting_ends_the_process(world: World) -> None:
    cluster = next((world.home / "clusters").iterdir())
    pod = pod_of(world, "app=digits")
    assert pod is not None
    folder = cluster / "nodes" / "pods" / pod["metadata"]["uid"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(marked_processes(cluster / "nodes")) == 1
    world.run("delete", "deployment", "digits", "--wait=true", "--cascade=foreground")
    until(lambda: not marked_processes(cluster / "nodes"))
    until(lambda: not folder.exists())


@pytest.mark.usefixtures("nodes")
def test_a_pod_without_an_association_gets_no_credentials_and_says_so(world: World) -> None:
    world.apply(deployment("denied", [server()], initContainers=[fetcher("digits/v1")], volumes=VOLUMES))

    def message() -> Any:
        pod = pod_of(world, "app=denied") or {}
        inits = pod.get("status", {}).get("initContainerStatuses", [])
        states = [one[key].get("terminated", {}) for one in inits for key in ("state", "lastState")]
        return next((state["message"] for state in states if "message" in state), None)

    assert until(message) == "fatal error: Unable to locate credentials"
    world.run("delete", "deployment", "denied", "--wait=true")


@pytest.mark.usefixtures("nodes")
def test_a_pod_deleted_at_any_moment_leaves_no_process(world: World) -> None:
    cluster = next((world.home / "clusters").iterdir())
    for number, delay_s in enumerate((0.0, 0.05, 0.2, 0.6)):
        spec = {"terminationGracePeriodSeconds": 1, "containers": [server()], "volumes": VOLUMES}
        world.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"brief-{number}"}, "spec": spec})
        threading.Event().wait(delay_s)
        force = ["--force", "--grace-period=0"] if number % 2 else ["--wait=true"]
        world.run("delete", "pod", f"brief-{number}", *force)
    until(lambda: not marked_processes(cluster / "nodes"))


@pytest.mark.usefixtures("nodes")
def test_a_removed_node_is_drained_and_gone(world: World) -> None:
    world.hub.add_nodes(ARN, (node(12),))
    until(lambda: world.hub.node_ready(ARN, node(12).name))
    world.hub.remove_nodes(ARN, (node(12).name,))
    until(lambda: "NotFound" in world.run("get", f"node/{node(12).name}", check=False))
    assert not world.hub.node_ready(ARN, node(12).name)


def test_access_policies_become_bindings_and_go_again(world: World) -> None:
    world.hub.sync_access(ARN, {"eks:viewers": "view"})
    can = ("auth", "can-i", "list", "pods", "--as=someone", "--as-group=eks:viewers")
    until(lambda: world.run(*can, check=False).startswith("yes"))
    world.hub.sync_access(ARN, {})
    until(
        lambda: (
            "clusterrolebinding" not in world.run("get", "clusterrolebindings", "-o", "name")
            or not [
                name
                for name in world.run("get", "clusterrolebindings", "-o", "name").split()
                if "eks-access-policy" in name
            ]
        )
    )


def test_access_in_one_namespace_begins_with_the_namespace_and_ends_at_its_border(world: World) -> None:
    world.hub.sync_access(ARN, {"eks:editors:team-a": "edit/team-a", "eks:viewers": "view"})

    def may(namespace: str, group: str) -> bool:
        asked = ("auth", "can-i", "create", "pods", "--as=someone", f"--as-group={group}", "-n", namespace)
        return world.run(*asked, check=False).startswith("yes")

    world.run("create", "namespace", "team-a")
    world.run("create", "namespace", "team-b")
    until(lambda: may("team-a", "eks:editors:team-a"))
    assert not may("team-b", "eks:editors:team-a")
    assert not may("team-a", "eks:viewers")
    world.hub.sync_access(ARN, {})
    until(lambda: not may("team-a", "eks:editors:team-a"))


def test_pools_of_auto_mode_that_are_not_ready_say_so_and_make_no_node(world: World) -> None:
    """https://github.com/aws/containers-roadmap/issues/2486: a node role under a path."""
    world.hub.set_auto_mode(ARN, AutoMode(("general-purpose",), "nodes", ("subnet-1",), "sg-1", "the role has a path"))
    world.apply(automatic("waiting", "1"))

    until(lambda: any("not ready: the role has a path" in one["message"] for one in world.get("events")["items"]))
    (pool,) = world.get("nodepools")["items"]
    (ready,) = pool["status"]["conditions"]
    assert (ready["type"], ready["status"], ready["message"]) == ("Ready", "False", "the role has a path")
    assert (pod_of(world, "app=waiting") or {})["status"]["phase"] == "Pending"
    assert world.aws.launched == []
    world.run("delete", "pod", "waiting", "--force")
    world.hub.set_auto_mode(ARN, None)
    until(lambda: world.get("nodepools")["items"] == [])


def test_pods_without_a_node_get_one_of_auto_mode_that_goes_when_nobody_needs_it(world: World) -> None:
    world.hub.set_auto_mode(ARN, AutoMode(("general-purpose", "system"), "nodes", ("subnet-1",), "sg-1"))
    world.apply(automatic("first", "1"), automatic("second", "500m"))
    until(lambda: all((pod_of(world, f"app={n}") or {})["status"]["phase"] == "Running" for n in ("first", "second")))
    (wish,) = world.aws.launched
    assert (wish.pool, wish.node_class, wish.instance_types[0]) == ("general-purpose", "default", "c5.large")
    claim = world.get(f"nodeclaim/{wish.claim}")
    live = world.get(f"node/{claim['status']['nodeName']}")
    assert condition(live, "Ready") is not None
    assert live["metadata"]["labels"] | {"karpenter.sh/nodepool": "general-purpose"} == live["metadata"]["labels"]
    assert world.get("nodeclass/default")["spec"]["subnetSelectorTerms"] == [{"id": "subnet-1"}]
    world.apply(automatic("third", "1", **{"node.kubernetes.io/instance-type": "m5.xlarge"}))
    until(lambda: (pod_of(world, "app=third") or {})["status"]["phase"] == "Running")
    other = world.aws.launched[1]
    world.run("delete", "pod", "first", "second")
    until(lambda: world.aws.ended == [live["metadata"]["name"]])
    until(lambda: [one["metadata"]["name"] for one in world.get("nodeclaims")["items"]] == [other.claim])
    world.hub.set_auto_mode(ARN, None)
    until(lambda: len(world.aws.ended) == 2 and not world.get("nodeclaims")["items"])
    assert world.get("nodepools")["items"] == []
    world.run("delete", "pod", "third", "--ignore-not-found", "--force")


@pytest.mark.usefixtures("nodes")
def test_closing_leaves_no_process_and_no_file(world: World) -> None:
    assert len(marked_processes(world.home)) >= 4
    world.hub.close()
    assert marked_processes(world.home) == []
    assert list((world.home / "clusters").iterdir()) == []
