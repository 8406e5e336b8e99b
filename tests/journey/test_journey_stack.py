"""`provision` through the real command line: what then stands in AWS and Kubernetes, read without eksprov."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cases
import psutil
import pytest
from support.journey import PATIENCE_S, Done, Project, owned, tags_of, until
from support.programs import kubectl_program
from support.world import READS, world

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]

STEPS = 26


def kubectl(kubeconfig: Path, *arguments: str, path: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The real kubectl, with nothing but `PATH` of the user's."""
    program = kubectl_program()
    return subprocess.run(
        (program, "--kubeconfig", str(kubeconfig), *arguments),
        cwd=cwd, env={"PATH": path, "HOME": str(kubeconfig.parent)}, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def trust(role: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Who may take a role, and by which actions."""
    found = set()
    statements = role["AssumeRolePolicyDocument"]["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        assert statement["Effect"] == "Allow"
        ways = statement["Action"]
        found |= {(statement["Principal"]["Service"], way) for way in ([ways] if isinstance(ways, str) else ways)}
    return found


def test_every_step_is_told_and_the_next_command_named(provisioned: Done) -> None:
    assert provisioned.code == 0, provisioned.err
    assert f": {STEPS} created, in " in provisioned.out
    assert len(re.findall(r"^created  ", provisioned.err, re.MULTILINE)) == STEPS
    assert provisioned.err.rstrip().endswith("-m eksprov deploy-model")


def test_the_record_is_private_versioned_and_without_secrets(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    path = journey.state()
    assert [stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob("quickstart*")] == [0o600] * 3
    record = json.loads(path.read_text())
    assert record["schema"] == 1
    assert record["serial"] >= STEPS
    assert set(record["steps"]) >= {"vpc", "cluster", "node-group/workers"}
    key = (journey.home / "control.key").read_text()
    for secret in (key, "k8s-aws-v1.", "PRIVATE KEY", "secret", "token"):
        assert secret not in path.read_text()


def test_the_commands_that_look_say_what_is(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    outputs, status = journey("outputs", "--json").json, journey("status", "--json").json
    place = journey("local", "status", "--json").json
    cluster = journey.aws("eks").describe_cluster(name="quickstart")["cluster"]
    assert (outputs["endpoint"], outputs["arns"]["cluster"]) == (cluster["endpoint"], cluster["arn"])
    live = {step["kind"]: step["live"] for step in status["steps"] if step["live"]}
    assert live.keys() >= {"cluster", "node-group"}  # and models, where another test has deployed one
    assert set(live.values()) == {"ready"}
    assert {step["recorded"] for step in status["steps"]} == {"ready"}
    assert psutil.pid_exists(place["pid"])
    (listed,) = (each for each in place["clusters"] if each["name"] == "quickstart")
    assert (listed["endpoint"], listed["version"]) == (cluster["endpoint"], cluster["version"])


def test_everything_in_the_account_carries_the_owners_tags(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    stack_id = json.loads(journey.state().read_text())["stack_id"]
    ours = [
        (kind, step) for kind, step, tags in owned(journey.aws, "quickstart") if tags["eksprov:stack-id"] == stack_id
    ]
    steps = Counter(step for kind, step in ours if kind not in ("instance", "security-group"))
    recorded = json.loads(journey.state().read_text())["steps"]
    assert {step for step in recorded if "model/" not in step} <= set(steps)
    assert set(steps.values()) == {1}
    for kind in cases.READS.keys() - {case.name for case in cases.CASES.values() if case.aws_makes_some}:
        items = [
            item for item in READS[kind](journey.aws) if not item.get("IsDefault") and not item.get("DefaultForAz")
        ]
        assert items or kind not in {record["kind"] for record in recorded.values()}
        assert all("eksprov:stack" in tags_of(item) for item in items), kind


def test_roles_are_three_and_each_has_what_it_needs(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    roles = {tags_of(role).get("eksprov:step"): role for role in READS["iam-role"](journey.aws)}
    cluster, node, cni = (roles[f"role/{name}"] for name in ("cluster", "node", "vpc-cni"))
    assert len({cluster["Arn"], node["Arn"], cni["Arn"]}) == 3
    take, tag = "sts:AssumeRole", "sts:TagSession"
    assert trust(cluster) == {("eks.amazonaws.com", take), ("eks.amazonaws.com", tag)}
    assert trust(node) == {("ec2.amazonaws.com", take)}
    assert trust(cni) == {("pods.eks.amazonaws.com", take), ("pods.eks.amazonaws.com", tag)}
    attached = [sorted(p["PolicyArn"].split("/")[-1] for p in role["attached"]) for role in (cluster, node, cni)]
    assert attached == [
        ["AmazonEKSClusterPolicy"],
        ["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy", "AmazonSSMManagedInstanceCore"],
        ["AmazonEKS_CNI_Policy"],
    ]
    eks = journey.aws("eks")
    assert eks.describe_cluster(name="quickstart")["cluster"]["roleArn"] == cluster["Arn"]
    group = eks.describe_nodegroup(clusterName="quickstart", nodegroupName="workers")["nodegroup"]
    assert group["nodeRole"] == node["Arn"]


def test_cluster_addons_logs_and_bucket_are_as_promised(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    cluster = journey.aws("eks").describe_cluster(name="quickstart")["cluster"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    addons = {addon["addonName"]: addon for addon in READS["addon"](journey.aws)}
    assert set(addons) == {"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"}
    assert {addon["status"] for addon in addons.values()} == {"ACTIVE"}
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", addon["addonVersion"]) for addon in addons.values())
    assert json.loads(addons["vpc-cni"]["configurationValues"])["enableNetworkPolicy"] == "true"
    (logs,) = journey.aws("logs").describe_log_groups(logGroupNamePrefix="/aws/eks/quickstart/")["logGroups"]
    assert logs["retentionInDays"] > 0
    (bucket,) = READS["bucket"](journey.aws)
    assert set(bucket["public"].values()) == {True}


def test_kubectl_gets_in_from_anywhere_with_this_file_alone(journey: Project, kubeconfig: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    got = kubectl(kubeconfig, "get", "nodes", "-o", "json", path="/nowhere", cwd=tmp_path)
    assert got.returncode == 0, got.stderr
    nodes = json.loads(got.stdout)["items"]
    ready = [c["status"] for node in nodes for c in node["status"]["conditions"] if c["type"] == "Ready"]
    assert ready == ["True", "True"]
    labels = [node["metadata"]["labels"] for node in nodes]
    assert [each["node.kubernetes.io/instance-type"] for each in labels] == ["m7i.large"] * 2
    assert sorted(each["topology.kubernetes.io/zone"] for each in labels) == ["us-west-2a", "us-west-2b"]
    who = kubectl(kubeconfig, "auth", "whoami", "-o", "json", path="/nowhere", cwd=tmp_path)
    assert who.returncode == 0, who.stderr
    assert json.loads(who.stdout)["status"]["userInfo"]["username"] == journey.aws("sts").get_caller_identity()["Arn"]


def test_the_official_python_client_gets_in_too(kubeconfig: Path) -> None:
    """Another program's reading of the file: its exec plugin, the CA, the address."""
    from kubernetes import client, config

    with config.new_client_from_config(str(kubeconfig)) as api:
        nodes = client.CoreV1Api(api).list_node().items
    assert len(nodes) == 2
    assert {node.metadata.labels["eks.amazonaws.com/nodegroup"] for node in nodes} == {"workers"}


def test_an_image_nobody_knows_is_not_pulled_and_an_event_says_so(journey: Project, kubeconfig: Path) -> None:
    def call(*arguments: str) -> str:
        done = kubectl(kubeconfig, "-n", "default", *arguments, path=journey.environ["PATH"])
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("run", "stranger", "--image=registry.example/nobody:1", "--restart=Never")
    try:
        until(lambda: "ErrImagePull" in call("get", "pod", "stranger", "-o", "json"), "ErrImagePull")
        events = json.loads(call("get", "events", "--field-selector", "involvedObject.name=stranger", "-o", "json"))
        assert any(
            "registry.example/nobody:1" in event["message"] for event in events["items"] if event["type"] == "Warning"
        )
    finally:
        call("delete", "pod", "stranger", "--wait=false")


def test_provisioning_twice_changes_nothing(journey: Project, provisioned: Done) -> None:
    assert provisioned.code == 0
    before = journey.changes()
    again = journey("provision")
    assert (again.code, journey.changes() - before) == (0, 0), again.err
    assert f"no changes: {STEPS} resources as wanted" in again.out


def test_a_lost_record_is_found_again_by_tags_and_nothing_is_made_twice(journey: Project, served: Done) -> None:
    assert served.code == 0, served.err
    account, before = world(journey.aws), journey.changes()
    steps = json.loads(journey.state().read_text())["steps"]
    for path in journey.state().parent.glob("quickstart.json*"):
        path.unlink()
    plan = journey("plan", "--check", "--json")
    assert (plan.code, json.loads(plan.out)["changes"]) == (0, 0), plan.out
    again = journey("provision")
    assert again.code == 0, again.err
    assert "found " in again.err
    assert "no changes" in again.out
    assert journey.changes() == before
    assert world(journey.aws) == account
    found = json.loads(journey.state().read_text())["steps"]
    files, had = (record["model/digits/files"]["outputs"] for record in (found, steps))
    bucket = had["uri"].split("/")[2]
    listing = journey.aws("s3").list_objects_v2(Bucket=bucket, Prefix="models/digits/")["Contents"]
    if len({item["Key"].split("/")[2] for item in listing}) > 1:  # nothing there says which contents are in use
        assert files == {"uri": had["uri"].removesuffix(f"{had['digest']}/"), "digest": ""}
        files |= had
    assert {name: found[name]["outputs"] for name in found} == {name: steps[name]["outputs"] for name in found}
