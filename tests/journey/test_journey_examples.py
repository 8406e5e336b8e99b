"""The examples through the real command line: each is planned, made and taken down to nothing; and what goes wrong.

One world for all of them. Of `examples/gpu-llm`, with a cluster-autoscaler, is told how it fares without quota, then
without Spot capacity, and when its cluster has left things behind; those tests are one story, in this order. The quick
start has journeys of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.journey import PATIENCE_S, PYTHON, Done, Project, owned, until
from support.programs import control_plane_programs
from support.world import world

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

NEXT_WITHIN_S = 120.0
GPU = "nvidia.com/gpu"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "asks-for-a-gpu"},
    "spec": {
        "containers": [
            {"name": "pause", "image": "registry.k8s.io/pause:3.10", "resources": {"limits": {GPU: "1"}}},
        ]
    },
}
World = dict[str, list[str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A folder whose world starts now, empty but for what every account has."""
    control_plane_programs()
    made = Project(tmp_path_factory.mktemp("examples"))
    up = made("local", "up")
    assert up.code == 0, up.err
    yield made
    made("local", "down", "--yes")
    assert made.processes() == []


@pytest.fixture(scope="module")
def empty(project: Project) -> World:
    """The account before anything."""
    return world(project.aws)


@pytest.fixture(scope="module")
def gpu(project: Project, empty: World) -> str:
    """The config of the GPU example, with an autoscaler."""
    assert empty["cluster"] == []
    return project.example("gpu-llm", "autoscaler: cluster-autoscaler")


@pytest.fixture(scope="module")
def fallen_back(project: Project, gpu: str) -> Done:
    """`eksprov provision` while there is no Spot capacity."""
    assert project("local", "faults", "set", "no-capacity:SPOT").code == 0
    return project("provision", "--config", gpu)


def gpu_groups(project: Project) -> list[tuple[str, str]]:
    """Status and way of buying of every node group with GPUs."""
    eks, names = project.aws("eks"), {"clusterName": "gpu-llm"}
    found = [eks.describe_nodegroup(**names, nodegroupName=n) for n in eks.list_nodegroups(**names)["nodegroups"]]
    groups = [each["nodegroup"] for each in found]
    return [(g["status"], g["capacityType"]) for g in groups if g["instanceTypes"][0].startswith("g")]


def leaves_nothing(project: Project, config: str, empty: World) -> None:
    """`eksprov teardown` proves itself, and the account is as it was."""
    gone = project("teardown", "--yes", "--json", "--config", config)
    assert gone.json["ok"], gone.err
    assert set(gone.json["counted"].values()) == {0}
    assert {kind: items for kind, items in world(project.aws).items() if items != empty[kind]} == {}


def test_no_quota_for_gpus_is_told_before_the_first_create(project: Project, gpu: str, empty: World) -> None:
    assert project("local", "faults", "set", "quota:L-DB2E81BA=0", "quota:L-3819A6DF=0").code == 0
    before = project.changes()
    stopped = project("provision", "--config", gpu)
    assert (stopped.code, stopped.out) == (1, "")
    assert "preflight stops this run; nothing was created" in stopped.err
    assert "'Running On-Demand G and VT instances' (ec2 L-DB2E81BA)" in stopped.err
    assert "aws service-quotas request-service-quota-increase" in stopped.err
    assert (project.changes(), world(project.aws)) == (before, empty)


def test_without_spot_capacity_the_group_is_bought_on_demand_and_that_is_said(
    project: Project, fallen_back: Done
) -> None:
    assert fallen_back.code == 0, fallen_back.err
    assert "switched on in the local world: no-capacity:SPOT" in fallen_back.err
    assert "node-group/gpu: no capacity for g6.xlarge/g5.xlarge SPOT (Could not launch Spot" in fallen_back.err
    assert "note: node-group/gpu: choice 2 of 3: g6.xlarge/g5.xlarge ON_DEMAND" in fallen_back.err
    assert gpu_groups(project) == [("ACTIVE", "ON_DEMAND")]
    made = [call["at"] for call in project.calls()["recent"] if call["operation"] == "CreateNodegroup"]
    assert made[-1] - made[-2] <= NEXT_WITHIN_S


def test_a_pod_that_asks_for_a_gpu_runs_on_the_node_that_has_one(
    project: Project, gpu: str, fallen_back: Done, tmp_path: Path
) -> None:
    from kubernetes import client, config

    assert fallen_back.code == 0, fallen_back.err
    file = str(tmp_path / "kube.config")
    assert project("kubeconfig", "--file", file, "--config", gpu).code == 0
    with client.ApiClient(config.load_kube_config(file) or client.Configuration.get_default_copy()) as api:
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        has = {n.metadata.name: n.status.allocatable.get(GPU) for n in core.list_node().items}
        assert sorted(filter(None, has.values())) == ["1"]
        core.create_namespaced_pod("default", POD)

        def pod() -> Any:
            return core.read_namespaced_pod("asks-for-a-gpu", "default")

        until(lambda: pod().status.phase == "Running", "the pod runs")
        assert has[pod().spec.node_name] == "1"
        scaler = apps.read_namespaced_deployment("cluster-autoscaler", "kube-system")
        assert scaler.status.ready_replicas == scaler.spec.replicas
        core.delete_namespaced_pod("asks-for-a-gpu", "default")


def test_the_first_choice_is_gone_back_to_when_it_is_asked_for(project: Project, gpu: str, fallen_back: Done) -> None:
    assert fallen_back.code == 0, fallen_back.err
    assert project("local", "faults", "clear").code == 0
    plan = project("plan", "--check", "--config", gpu)
    assert plan.code == 0, plan.out
    assert "--first-choice goes back to the first" in plan.out
    back = project("provision", "--first-choice", "--config", gpu)
    assert back.code == 0, back.err
    assert gpu_groups(project) == [("ACTIVE", "SPOT")]


def test_what_controllers_left_goes_and_a_strangers_group_is_named_and_stays(
    project: Project, gpu: str, fallen_back: Done, empty: World
) -> None:
    assert fallen_back.code == 0, fallen_back.err
    ec2, elb = project.aws("ec2"), project.aws("elbv2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:eksprov:stack", "Values": ["gpu-llm"]}])["Vpcs"][0]["VpcId"]
    stranger = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    assert project("local", "faults", "set", "leaked-interface", "left-load-balancer").code == 0
    held = project("teardown", "--yes", "--config", gpu)
    assert held.code == 1
    assert f"security group {stranger} (theirs)" in held.err
    (swept,) = (line for line in held.err.splitlines() if line.startswith("deleted     leftovers"))
    assert any("before the cluster: 1 network interface" in line for line in held.err.splitlines())
    for what in ("load balancer", "target group", "security group"):
        assert f"1 {what}" in swept
    assert elb.describe_load_balancers()["LoadBalancers"] == elb.describe_target_groups()["TargetGroups"] == []
    assert ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkInterfaces"] == []
    assert [kind for kind, _, _ in owned(project.aws, "gpu-llm")] == ["vpc"]
    assert ec2.describe_security_groups(GroupIds=[stranger])["SecurityGroups"]
    ec2.delete_security_group(GroupId=stranger)
    leaves_nothing(project, gpu, empty)
    assert project("local", "faults", "clear").code == 0


def there_and_back(project: Project, config: str, empty: World) -> None:
    """Plan, provision, a plan that finds nothing to do, teardown."""
    plan = project("plan", "--json", "--config", config).json
    assert plan["changes"] > 0
    assert {step["action"] for step in plan["steps"]} <= {"create", "none"}
    made = project("provision", "--config", config)
    assert made.code == 0, made.err
    after = project("plan", "--check", "--config", config)
    assert after.code == 0, after.out
    leaves_nothing(project, config, empty)


def test_the_private_only_example_is_made_and_taken_down_to_nothing(project: Project, empty: World) -> None:
    there_and_back(project, project.example("private-only"), empty)


def test_the_existing_vpc_example_uses_a_vpc_and_leaves_it_as_it_was(project: Project, empty: World) -> None:
    config = project.example("existing-vpc")
    environ = project.environ | json.loads(project("local", "env", "--json").out)

    def prepare(*arguments: str) -> None:
        script = str(project.folder / "existing-vpc/prepare.py")
        subprocess.run((PYTHON, script, *arguments), env=environ, check=True, capture_output=True, timeout=PATIENCE_S)

    prepare()
    theirs = world(project.aws)
    assert len(theirs["vpc"]) == len(empty["vpc"]) + 1
    there_and_back(project, config, theirs)
    prepare("--delete")
    vpcs = project.aws("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["existing-vpc-example"]}])
    assert vpcs["Vpcs"] == []


def test_the_auto_mode_example_gets_its_node_from_eks_and_is_taken_down_to_nothing(
    project: Project, empty: World
) -> None:
    config = project.example("auto-mode")
    made = project("provision", "--config", config)
    assert made.code == 0, made.err
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    (found,) = project.aws("ec2").describe_instances(Filters=running)["Reservations"]
    tags = {tag["Key"]: tag["Value"] for tag in found["Instances"][0]["Tags"]}
    assert (tags["eks:eks-cluster-name"], tags["eks:kubernetes-node-pool-name"]) == ("auto-mode", "general-purpose")
    again = project("plan", "--check", "--config", config)
    assert "no changes" in again.out
    assert (again.code, "model/digits" in again.out) == (3, True)  # its model was not deployed
    leaves_nothing(project, config, empty)
