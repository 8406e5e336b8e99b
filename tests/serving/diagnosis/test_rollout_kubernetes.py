"""What the real controllers, scheduler and admission make of our objects, and whether it is understood."""

from __future__ import annotations

import copy
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.memory_ledger import MemoryLedger
from support.programs import kubectl_program
from support.real_kube import WallClock, client
from support.samples import STACK, spec

from eksprov.core.change import Action, diff
from eksprov.core.convergence.converge import Run, converge
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Owner, PhaseState
from eksprov.kube.api import KubeApi, Ref
from eksprov.local.controlplane.process import ControlPlane
from eksprov.serving import manifests
from eksprov.serving.diagnosis.diagnose import diagnose
from eksprov.serving.diagnosis.observe import Observation, observe
from eksprov.serving.diagnosis.rollout import verdict
from eksprov.serving.objects import KubeObject, KubeWorkload

pytestmark = pytest.mark.kubernetes
PATIENCE_S = 30.0


def seen_of(kube: KubeApi, namespace: str) -> Observation | None:
    """What is to be seen of the model digits; None when it has no Deployment."""
    found = kube.get(Ref("apps/v1", "Deployment", namespace, "digits"))
    return observe(kube, found) if found is not None else None


def until(check: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := check()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
    return value


def top_cause(kube: KubeApi, namespace: str) -> str:
    seen = seen_of(kube, namespace)
    findings = diagnose(seen) if seen else ()
    return findings[0].cause if findings else ""


def apply_model(kube: KubeApi, namespace: str, change: Callable[[Any], None] = lambda _: None, **model: Any) -> Any:
    objects = copy.deepcopy(manifests.of_model(spec(namespace=namespace, **model)))
    change(objects["model/digits/deployment"])
    for manifest in (*manifests.shared(namespace, STACK).values(), *objects.values()):
        kube.apply(manifest)
    return objects


def test_the_controller_makes_our_pods_under_restricted_and_the_autoscaler_lifts_them_to_the_minimum(
    plane: ControlPlane,
) -> None:
    """No node is there, so the pods stay pending; without a metric the autoscaler still keeps its minimum."""
    kube = client(plane)
    objects = apply_model(kube, "real-one", replicas={"min": 2, "max": 3})
    pods = until(lambda: len(kube.list("v1", "Pod", "real-one", "eksprov.dev/model=digits")) == 2)
    assert pods
    until(lambda: top_cause(kube, "real-one") == "the cluster has no nodes")
    seen = seen_of(kube, "real-one")
    assert seen is not None
    assert verdict(seen).state is PhaseState.MOVING
    deployment = objects["model/digits/deployment"]
    step = KubeWorkload(name="x", slug=str(Ref.of(deployment)), manifest=deployment)
    have = step.discover(kube)
    assert have is not None
    assert have == step.desired(Outputs())  # also with the replicas that the autoscaler has set by now
    assert step.phase(have).state is PhaseState.MOVING


def test_a_pod_that_restricted_does_not_allow_is_a_failure_with_its_cause(plane: ControlPlane) -> None:
    def loosen(deployment: Any) -> None:
        del deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]

    kube = client(plane)
    apply_model(kube, "real-two", loosen)
    until(lambda: top_cause(kube, "real-two") == "the namespace's Pod Security does not allow the pods")
    seen = seen_of(kube, "real-two")
    assert seen is not None
    phase = verdict(seen)
    assert phase.state is PhaseState.FAILED
    assert "allowPrivilegeEscalation" in phase.message


def test_a_quota_that_is_used_up_is_a_failure_with_its_cause(plane: ControlPlane) -> None:
    kube = client(plane)
    kube.apply(manifests.shared("real-three", STACK)["model/@real-three/namespace"])
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "real-three"}}
    kube.apply({**quota, "spec": {"hard": {"pods": "0"}}})
    until(lambda: (kube.get(Ref.of(quota)) or {}).get("status", {}).get("hard"))
    apply_model(kube, "real-three")
    until(lambda: top_cause(kube, "real-three") == "the namespace's quota is used up")


def test_every_plain_object_converges_again_without_change_after_the_controllers_have_seen_it(
    plane: ControlPlane,
) -> None:
    kube = client(plane)
    objects = apply_model(kube, "real-four", replicas={"min": 2, "max": 3})
    until(lambda: len(kube.list("v1", "Pod", "real-four")) == 2)
    run: Run[KubeApi] = Run(Owner("demo", "id-1"), WallClock(), kube, MemoryLedger())
    for manifest in (*manifests.shared("real-four", STACK).values(), *objects.values()):
        if manifest["kind"] != "Deployment":
            step = KubeObject(name="x", slug=str(Ref.of(manifest)), manifest=manifest)
            assert converge(step, Outputs(), run).status is Status.UNCHANGED


def test_a_deployment_with_the_probes_of_before_changes_in_place(plane: ControlPlane) -> None:
    def before(deployment: Any) -> None:
        server = deployment["spec"]["template"]["spec"]["containers"][0]
        server["readinessProbe"] = {**server["startupProbe"], "periodSeconds": 5, "failureThreshold": 2}

    kube = client(plane)
    apply_model(kube, "real-five", before)
    deployment = manifests.of_model(spec(namespace="real-five"))["model/digits/deployment"]
    had = kube.get(Ref.of(deployment))
    assert had is not None
    step = KubeWorkload(name="x", slug=str(Ref.of(deployment)), manifest=deployment)
    have = step.discover(kube)
    assert have is not None
    assert diff(step.desired(Outputs()), have).action is Action.UPDATE
    step.update(kube, step.desired(Outputs()), have, ())
    now = kube.get(Ref.of(deployment))
    assert now is not None
    assert now["metadata"]["uid"] == had["metadata"]["uid"]
    probe = now["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    assert "httpGet" not in probe
    assert probe["tcpSocket"] == {"port": "http"}
    assert step.discover(kube) == step.desired(Outputs())


def test_no_replicas_are_set_back_and_the_autoscaler_goes_on_from_there(plane: ControlPlane) -> None:
    """Taken by `kubectl scale --replicas=0`; a later change of the Deployment leaves the autoscaler's number alone."""
    kube = client(plane)
    objects = apply_model(kube, "real-six", replicas={"min": 2, "max": 3})
    manifest = objects["model/digits/deployment"]
    ref = Ref.of(manifest)

    def replicas() -> int:
        live = kube.get(ref)
        assert live is not None
        return int(live["spec"]["replicas"])

    until(lambda: replicas() == 2)
    server, _ = plane.address()
    authority = ("--insecure-skip-tls-verify", "--server", server, "--token", "admin")
    scale = (kubectl_program(), *authority, "-n", "real-six", "scale", "deployment/digits", "--replicas=0")
    subprocess.run(scale, check=True, capture_output=True, timeout=60)
    assert replicas() == 0
    step = KubeWorkload(name="x", slug=str(ref), manifest=manifest)
    have = step.discover(kube)
    assert have is not None
    assert have.fields["spec.replicas"] == "0"
    step.update(kube, step.desired(Outputs()), have, ("fields",))
    assert step.discover(kube) == step.desired(Outputs())
    until(lambda: replicas() == 2)
    changed = manifests.of_model(spec(namespace="real-six", replicas={"min": 2, "max": 3}, memory_mib=2048))
    kube.apply(changed["model/digits/deployment"])
    assert replicas() == 2
