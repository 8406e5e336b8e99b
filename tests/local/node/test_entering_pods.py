"""Laws of what the nodes do not offer: whoever asks is told so in one sentence, at once, with the way that works.

Asked are all that enter a pod (exec, attach, cp, port-forward, debug) and the kubelet's other pages; by kubectl over
WebSockets and over SPDY, by the official Python client, and by plain requests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.node_world import ARN, World, container_of, node, node_world, until
from support.programs import kubectl_program
from support.upgrades import SPDY, WEBSOCKETS, ApiServer

from eksprov.local.contract import AddonSpec

pytestmark = pytest.mark.kubernetes

WHY = "they run pods as processes, without containers"
POD = "/api/v1/namespaces/default/pods/still"
LEADS = f"; the API server leads to this pod at {POD}:PORT/proxy/"
WORK = "; kubectl logs and kubectl describe work"
# In a process of its own, for the client leaves sockets open. Its `portforward` raises; the traceback has all words.
ASK = """
import sys
from kubernetes import client
from kubernetes.stream import portforward, stream
settings, keys = client.Configuration(host=sys.argv[1]), sys.argv[2]
settings.ssl_ca_cert, settings.cert_file, settings.key_file = f"{keys}/ca.crt", f"{keys}/admin.crt", f"{keys}/admin.key"
core = client.CoreV1Api(client.ApiClient(settings))
for what in ("exec", "attach"):
    call = getattr(core, f"connect_get_namespaced_pod_{what}")
    more = {"command": ["ls"]} if what == "exec" else {}
    session = stream(call, "still", "default", **more, _preload_content=False)
    session.run_forever(timeout=20)
    print(what, session.read_channel(3))
portforward(core.connect_get_namespaced_pod_portforward, "still", "default", ports="8080")
"""


def sentence(what: str, way: str = "") -> str:
    return f"the local world's nodes do not offer {what}: {WHY}{way}"


@dataclass
class Place:
    """A cluster with one node and one pod that stands still."""

    world: World
    server: ApiServer
    keys: Path
    node: str

    def kubectl(self, words: str, websockets: bool) -> tuple[int, str]:
        """The exit code and the last line of stderr."""
        switch = str(websockets).lower()
        environ = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": switch, "KUBECTL_PORT_FORWARD_WEBSOCKETS": switch}
        done = subprocess.run(
            (*self.world.kubectl, *words.split()),
            env={**os.environ, **environ}, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
            check=False,
        )  # fmt: skip
        return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    kubectl_program()
    home = tmp_path_factory.mktemp("home")
    with node_world(home, "http://127.0.0.1:9") as world:
        spec = node(10)
        world.hub.add_nodes(ARN, (spec,))
        world.hub.install_addon(ARN, AddonSpec("vpc-cni", "v1.2.3-eksbuild.1"))
        pod = {"containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]}
        meta = {"name": "still", "labels": {"app": "still"}}
        until(lambda: world.hub.node_ready(ARN, spec.name))
        until(lambda: "default" in world.run("get", "serviceaccount", "default", check=False))
        world.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod})
        until(lambda: container_of(world, "app=still").get("ready"))
        keys = next((home / "clusters").glob("*/pki"))
        yield Place(world, ApiServer(world.kubectl[2], keys), keys, spec.name)


@pytest.mark.parametrize("websockets", [True, False])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("exec still -- ls", sentence("exec", WORK)),
        ("cp still:/tmp/there here", sentence("exec", WORK)),
        ("attach still", sentence("attach", WORK)),
        ("port-forward still 18080:8080", sentence("port-forward", LEADS)),
    ],
)
def test_kubectl_says_it_in_its_last_line_and_fails(place: Place, words: str, said: str, websockets: bool) -> None:
    code, last = place.kubectl(words, websockets)
    assert code == 1
    assert last.endswith(f": {said}"), last


@pytest.mark.parametrize("way", [SPDY, *WEBSOCKETS], ids="-".join)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{POD}/exec?command=ls&stdout=1&container=main", sentence("exec", WORK)),
        (f"{POD}/attach?stdout=1&container=main", sentence("attach", WORK)),
        (f"{POD}/portforward?ports=8080", sentence("port-forward", LEADS)),
    ],
)
def test_every_way_of_upgrading_gets_a_status_with_the_sentence(
    place: Place, path: str, said: str, way: tuple[str, str]
) -> None:
    status, message = place.server.upgrade(path, way)
    # The API server answers the newest WebSockets itself, asks the node by SPDY, and passes on what it heard.
    assert status == (101 if way[1].startswith("v5") and "portforward" not in path else 501)
    assert message.endswith(said), message


def test_the_official_python_client_hears_it_too(place: Place) -> None:
    done = subprocess.run(
        (sys.executable, "-c", ASK, place.world.kubectl[2], str(place.keys)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert sentence("exec", WORK) in said["exec"], done.stderr
    assert sentence("attach", WORK) in said["attach"]
    assert sentence("port-forward", LEADS) in done.stderr


def test_kubectl_debug_ends_and_says_it_instead_of_waiting_for_ever(place: Place) -> None:
    code, last = place.kubectl("debug still --image=busybox -c looker -it --profile=general", True)
    assert code == 1
    assert last.endswith(f"the local world's nodes run no ephemeral containers: {WHY}"), last
    status = place.world.get("pod/still")["status"]
    (looker,) = status["ephemeralContainerStatuses"]
    assert WHY in looker["state"]["terminated"]["message"]
    assert status["phase"] == "Running"
    assert [one["ready"] for one in status["containerStatuses"]] == [True]


@pytest.mark.parametrize("page", ["stats/summary", "metrics", "configz", "runningpods/"])
def test_the_kubelets_other_pages_are_refused_by_name(place: Place, page: str) -> None:
    code, last = place.kubectl(f"get --raw /api/v1/nodes/{place.node}/proxy/{page}", True)
    assert code == 1
    assert last.endswith(f": {sentence(page.split('/')[0])}"), last


def test_what_the_sentences_name_is_there(place: Place) -> None:
    for words in ("logs still", "describe pod still"):
        assert place.kubectl(words, True)[0] == 0
    # The pod listens nowhere: the way leads to it, and ends there.
    path = re.sub("PORT", "8080", LEADS.rsplit(" ", 1)[1])
    code, last = place.kubectl(f"get --raw {path}", True)
    assert code == 1
    assert "10." in last
    assert ":8080" in last
