"""Where a model may run: groups and pools, by architecture, taints and room; a wrong one is refused before any call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.configs import changed
from support.samples import spec
from support.stage import MODEL, Stage, Theatre, project, quick_start

from eksprov import errors
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.serving.nodeless import refuse_without_nodes
from eksprov.operations.stack import Opened, open_stack
from eksprov.serving.runtimes.presets import RUNTIMES
from eksprov.serving.sizing import NodeType, fit
from eksprov.serving.workload import deployment

SMALL = {"name": "small", "instance_types": ["t3.medium"]}
LARGE_MODEL = {"name": MODEL, "path": "examples/digits/model", "memory_mib": 30_000}
LARGE_POOL = {"name": "large", "instance_families": ["r7i"]}
GRAVITON = {"name": "arm", "instance_types": ["m7g.large"]}
GPU = {"name": "gpu", "instance_types": ["g5.2xlarge"]}


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def opened(stage: Stage) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=True)


CARRIED = {
    "a pool of families": {"autoscaler": "karpenter", "node_groups": [SMALL], "node_pools": [LARGE_POOL]},
    "a pool of types": {
        "autoscaler": "karpenter",
        "node_groups": [SMALL],
        "node_pools": [{"name": "large", "instance_types": ["r7i.2xlarge"]}],
    },
    "the default pool": {"autoscaler": "karpenter", "node_groups": [SMALL]},
    "auto mode": {"autoscaler": "auto-mode", "node_groups": []},
    "a fallback": {"node_groups": [{**SMALL, "fallbacks": [{"instance_types": ["r7i.2xlarge"]}]}]},
}
REFUSED = {
    "nothing large": ({"node_groups": [SMALL]}, "the largest node (t3.medium) has room for"),
    "a pool that karpenter does not serve": (
        {"node_groups": [SMALL], "node_pools": [LARGE_POOL]},
        "the largest node (t3.medium)",
    ),
    "a pool too limited": (
        {"autoscaler": "karpenter", "node_groups": [SMALL], "node_pools": [{**LARGE_POOL, "memory_limit_gib": 16}]},
        "the largest node (r7i.large) has room for",
    ),
    "a pool with a taint": (
        {
            "autoscaler": "karpenter",
            "node_groups": [SMALL],
            "node_pools": [{"name": "gpu", "instance_families": ["g5"]}],
        },
        "the largest node (t3.medium)",
    ),
    "another architecture": ({"node_groups": [GRAVITON]}, "is for amd64, and the nodes that take models are arm64"),
    "tainted nodes alone": ({"node_groups": [GPU]}, "it tolerates no taints"),
    "no nodes": ({"node_groups": []}, "there is no node group or pool to run on"),
}


@pytest.mark.parametrize("keys", CARRIED.values(), ids=CARRIED.keys())
def test_a_model_runs_wherever_a_node_for_it_can_be_made(theatre: Theatre, keys: dict[str, Any]) -> None:
    with theatre.stage(changed(quick_start(), models=[LARGE_MODEL], **keys)) as stage:
        before = opened(stage)
        assert "model-nodes" not in {finding.name for finding in doctor(before, make_plan(before)).listed}
        if "fallbacks" in str(keys):
            return  # judged, not deployed: here the first choice comes
        assert provision(opened(stage)).ok
        assert deploy(opened(stage), [MODEL]).report.ok


@pytest.mark.parametrize(("keys", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_model_that_no_node_could_take_is_named_before_anything_is_made(
    theatre: Theatre, keys: dict[str, Any], said: str
) -> None:
    with theatre.stage(changed(quick_start(), models=[LARGE_MODEL], **keys)) as stage:
        before = opened(stage)
        found = {finding.name: finding.message for finding in doctor(before, make_plan(before)).listed}
        assert said in found["model-nodes"]
        assert provision(opened(stage)).ok
        stage.tape.rewind()
        began = stage.clock.now()
        with pytest.raises(errors.ConfigError) as refused:
            deploy(opened(stage), [MODEL])
        assert said in str(refused.value.problems[0].message)
        assert (stage.tape.mutating, stage.clock.now() - began < 60) == ([], True)


@pytest.mark.parametrize("name", RUNTIMES)
def test_pods_go_to_nodes_that_their_image_is_made_for(name: str) -> None:
    """By selector, so that no scheduler and no autoscaler takes another node."""
    runtime = RUNTIMES[name]
    for values in (runtime.architectures, ("amd64", "arm64")):
        made = replace(spec(), runtime=replace(runtime, architectures=values))
        pod = deployment(made, {"app.kubernetes.io/name": "m", "eksprov.dev/stack": "s"})["spec"]["template"]["spec"]
        terms = (
            pod.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
        )
        asked = [{"key": key, "operator": "In", "values": [one]} for key, one in pod.get("nodeSelector", {}).items()]
        asked += [one for term in terms.get("nodeSelectorTerms", ()) for one in term["matchExpressions"]]
        assert asked == [{"key": "kubernetes.io/arch", "operator": "In", "values": sorted(values)}]
        arm = NodeType("m7g.large", 2, 8192, 29, 50, "arm64")
        assert (fit(made, [arm]) is None) is ("arm64" in values)


NONE_MADE = "the cluster has no nodes, and none of its node groups is made yet"
NONE_WANTED = "the cluster has no nodes: the desired_size of every node group is 0"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [([], [{"name": "workers", "instance_types": ["m7i.large"]}], NONE_MADE),
     ([{"name": "workers", "instance_types": ["m7i.large"], "desired_size": 0}], None, NONE_WANTED)],
    ids=["none made", "none wanted"],
)  # fmt: skip
def test_nothing_is_deployed_on_a_cluster_that_gets_no_nodes(
    theatre: Theatre, before: list[dict[str, Any]], after: list[dict[str, Any]] | None, said: str
) -> None:
    with theatre.stage(changed(quick_start(), node_groups=before)) as stage:
        assert provision(opened(stage)).ok
        config = changed(quick_start(), node_groups=after if after is not None else before)
        [kube] = stage.kubernetes.apis.values()
        world, objects = stage.world(), kube.refs()
        with pytest.raises(errors.NotThereError, match=said):
            deploy(open_stack(replace(stage.process(config), project=project()), mint=True), [MODEL])
        assert (stage.world(), kube.refs()) == (world, objects)
        kube.apply_as("kubelet", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "joined"}})
        refuse_without_nodes(open_stack(stage.process(config), mint=True), kube)
