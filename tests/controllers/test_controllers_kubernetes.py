"""A real API server takes our objects as they are, keeps them as they are, and grants what they say."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from kubernetes import client as upstream
from support.memory_ledger import MemoryLedger
from support.real_kube import WallClock, client

from eksprov.config.schema import NodePool
from eksprov.controllers import KINDS
from eksprov.controllers.cluster_autoscaler import cluster_autoscaler
from eksprov.controllers.device_plugins import device_plugin
from eksprov.controllers.karpenter import Around, karpenter
from eksprov.controllers.karpenter_pools import KarpenterPool, PoolNetwork
from eksprov.controllers.parts import ControllerFacts
from eksprov.core.change import Action, diff
from eksprov.core.convergence.converge import Run, converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import READY, AnyStep, Outputs, Owner, Phase, PhaseState
from eksprov.kube.api import KubeApi
from eksprov.kube.objects import KubeObject
from eksprov.local.controlplane.process import ControlPlane
from eksprov.serving.objects import KubeWorkload

pytestmark = pytest.mark.kubernetes
FACTS = ControllerFacts("demo", "id-1", "demo", "us-west-2", "1.36", ("cluster",))


def run_in(kube: KubeApi) -> Run[KubeApi]:
    return Run(Owner("demo", "id-1"), WallClock(), kube, MemoryLedger())


POOL = KarpenterPool(NodePool(name="gpu", instance_families=("g6",), gpu_limit=4, drain_limit_s=600, weight=3), (), 200)
SETS: dict[str, tuple[KubeObject, ...]] = {
    "nvidia": device_plugin(FACTS, "nvidia", ("g5.xlarge",)),
    "neuron": device_plugin(FACTS, "neuron", ("inf2.xlarge",)),
    "efa": device_plugin(FACTS, "efa", ("p5.48xlarge",)),
    "cluster-autoscaler": cluster_autoscaler(FACTS, (), ()),
    "karpenter": karpenter(FACTS, Around("demo-karpenter"), (POOL,), PoolNetwork("nodes")),
}


def is_ready(kube: KubeApi, step: KubeObject) -> bool:
    have = step.discover(kube)
    assert have is not None
    return step.phase(have) == READY


def made(kube: KubeApi, steps: tuple[KubeObject, ...]) -> None:
    for step in steps:
        step.create(kube, step.desired(Outputs()), "")
        while "/definition-" in step.name and not is_ready(kube, step):
            time.sleep(0.1)


@pytest.mark.parametrize("name", SETS)
def test_objects_are_taken_kept_found_by_label_and_removed(plane: ControlPlane, name: str) -> None:
    kube, steps = client(plane), SETS[name]
    made(kube, steps)
    time.sleep(1)  # controllers write into what they are responsible for
    for step in steps:
        have = step.discover(kube)
        assert diff(step.desired(Outputs()), have).action is Action.NONE, step.name
    kinds: tuple[type[AnyStep], ...] = (*KINDS, KubeObject, KubeWorkload)
    seen = {s.owner.step for kind in kinds for s in kind.list_owned(kube, "demo")}
    assert seen == {step.name for step in steps}
    for step in reversed(steps):
        assert remove(step, run_in(kube)).status is Status.DELETED
        assert remove(step, run_in(kube)).status is Status.ABSENT


def test_a_daemon_set_is_done_when_it_is_there_and_a_deployment_when_its_replicas_are(plane: ControlPlane) -> None:
    kube = client(plane)
    assert converge(SETS["nvidia"][0], Outputs(), run_in(kube)).status is Status.CREATED
    assert converge(SETS["nvidia"][0], Outputs(), run_in(kube)).status is Status.UNCHANGED
    deployment = SETS["cluster-autoscaler"][-1]
    made(kube, (deployment,))
    have = deployment.discover(kube)
    assert have is not None
    assert have.phase.state is PhaseState.MOVING  # no node is there
    for step in (SETS["nvidia"][0], deployment):
        remove(step, run_in(kube))


def allowed(
    plane: ControlPlane, folder: Path, account: str, verb: str, group: str, resource: str, name: str = ""
) -> bool:
    """What the API server's own authorizer says of a service account."""
    server, ca_data = plane.address()
    authority = folder / "ca.pem"
    authority.write_bytes(base64.b64decode(ca_data))
    settings = upstream.Configuration(host=server, api_key={"authorization": "Bearer admin"})
    settings.ssl_ca_cert = str(authority)
    attributes = {"verb": verb, "group": group, "resource": resource, "name": name, "namespace": "kube-system"}
    review = {"spec": {"user": f"system:serviceaccount:kube-system:{account}", "resourceAttributes": attributes}}
    with upstream.ApiClient(settings) as api:
        answer = upstream.AuthorizationV1Api(api).create_subject_access_review(review)
    return bool(answer.status.allowed)


def test_the_rights_are_those_that_are_needed_and_no_others(plane: ControlPlane, tmp_path: Path) -> None:
    kube = client(plane)
    made(kube, (*SETS["cluster-autoscaler"][:-1], *SETS["neuron"][:-1]))
    may = [
        ("cluster-autoscaler", "create", "", "pods", False),
        ("cluster-autoscaler", "list", "", "pods", True),
        ("cluster-autoscaler", "update", "", "nodes", True),
        ("cluster-autoscaler", "delete", "", "nodes", False),
        ("cluster-autoscaler", "list", "", "secrets", False),
        ("cluster-autoscaler", "create", "", "configmaps", True),
        ("neuron-device-plugin", "patch", "", "nodes", False),
        ("neuron-device-plugin", "patch", "", "pods", True),
    ]
    asked = [
        (who, verb, group, what, allowed(plane, tmp_path, who, verb, group, what)) for who, verb, group, what, _ in may
    ]
    assert asked == may
    for name in ("cluster-autoscaler-status", "other"):
        expected = name == "cluster-autoscaler-status"
        assert allowed(plane, tmp_path, "cluster-autoscaler", "update", "", "configmaps", name) is expected
    for step in (*SETS["cluster-autoscaler"][:-1], *SETS["neuron"][:-1]):
        remove(step, run_in(kube))


def test_definitions_wait_for_what_a_controller_still_holds_and_name_it(plane: ControlPlane) -> None:
    """A claim of somebody else's pool, whose node is not empty yet: the controller must live until it has gone."""
    kube = client(plane)
    kinds = tuple(step for step in SETS["karpenter"] if "/definition-" in step.name)
    made(kube, kinds)
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "theirs"}
    claim = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": "theirs-1", "finalizers": ["karpenter.sh/termination"]},
        "spec": {"nodeClassRef": reference, "requirements": []},
    }
    kube.apply(claim)
    pool = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "theirs"}}
    defaults = kube.apply({**pool, "spec": {"template": {"spec": claim["spec"]}}})["spec"]
    assert defaults["disruption"] == {
        "consolidateAfter": "0s",
        "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "budgets": [{"nodes": "10%"}],
    }
    assert defaults["template"]["spec"]["expireAfter"] == "720h"
    claims = next(step for step in kinds if step.name.endswith("claims"))
    have = claims.discover(kube)
    assert have is not None
    claims.delete(kube, have)
    said = "being deleted, after NodeClaim theirs-1 (finalizer karpenter.sh/termination)"
    seen = [Phase(PhaseState.READY)]
    while seen[-1] != Phase(PhaseState.LEAVING, said) and len(seen) < 100:
        time.sleep(0.1)
        have = claims.discover(kube)
        assert have is not None, "it went before what it waits for"
        seen.append(claims.phase(have))
    assert seen[-1] == Phase(PhaseState.LEAVING, said)
    kube.apply({**claim, "metadata": {"name": "theirs-1", "finalizers": []}}, force=True)
    for step in kinds:
        assert remove(step, run_in(kube)).status in (Status.DELETED, Status.ABSENT)
