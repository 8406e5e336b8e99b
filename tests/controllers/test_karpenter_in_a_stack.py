"""Karpenter as part of a stack: made in one run, gone in the order that leaves no node behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.memory_kube import MemoryKube
from support.stage import Stage, Theatre, everything

from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.kube.api import Ref
from eksprov.operations.leftovers import holds_leftovers
from eksprov.steps.identity.karpenter_roles import NODE

DAEMON = Ref("apps/v1", "DaemonSet", "kube-system", "nvidia-device-plugin")
DEVICE = "nvidia.com/gpu"


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(everything("karpenter")) as stage:
        assert stage.provision().ok
        yield stage


def kube(stage: Stage) -> MemoryKube:
    return next(iter(stage.kubernetes.apis.values()))


def pool(stage: Stage, name: str) -> dict[str, object]:
    found = kube(stage).get(Ref("karpenter.sh/v1", "NodePool", "", name))
    assert found is not None
    spec: dict[str, object] = found["spec"]["template"]["spec"]
    return spec


def test_a_family_is_asked_of_ec2_once_and_gives_its_pool_taint_volume_and_plugin(stage: Stage) -> None:
    asked = {"key": "dedicated", "value": "llm", "effect": "NoSchedule"}
    assert pool(stage, "gpu")["taints"] == [asked, {"key": DEVICE, "value": "present", "effect": "NoSchedule"}]
    assert "taints" not in pool(stage, "neuron")
    daemon = kube(stage).get(DAEMON)
    assert daemon is not None
    affinity = daemon["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["gpu"]
    state = stage.store.load()
    assert state is not None
    assert '"g6.*","x86_64","nvidia"' in state.choices["instances"]
    assert {o.status for o in stage.provision().outcomes} == {Status.UNCHANGED}
    assert "DescribeInstanceTypes" not in {call.operation for call in stage.tape.calls}


def test_the_controller_may_touch_only_what_bears_its_clusters_tags(stage: Stage) -> None:
    iam = stage.account.plain("iam")
    document = iam.get_role_policy(RoleName="pools-us-west-2-karpenter", PolicyName="eksprov")["PolicyDocument"]
    changing = ("Create", "Run", "Terminate", "Delete", "Tag", "Add", "Remove")
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        made = [action for action in actions if action.split(":")[1].startswith(changing) and "sqs" not in action]
        if made and statement["Sid"] != "Use":  # images, subnets and groups, which nobody changes by using them
            assert "kubernetes.io/cluster/pools" in str(statement["Condition"]), statement["Sid"]
    queue = stage.account.plain("sqs").get_queue_url(QueueName="pools-karpenter")["QueueUrl"]
    assert queue.endswith("/pools-karpenter")
    entry = stage.account.plain("eks").describe_access_entry(
        clusterName="pools", principalArn=iam.get_role(RoleName="pools-us-west-2-karpenter-node")["Role"]["Arn"]
    )["accessEntry"]
    assert entry["type"] == "EC2_LINUX"


def test_pools_go_before_their_kinds_these_before_the_controller_and_that_before_its_nodes(stage: Stage) -> None:
    iam = stage.account.plain("iam")
    owned = {"kubernetes.io/cluster/pools": "owned"}
    tags = [{"Key": key, "Value": value} for key, value in owned.items()]
    iam.create_instance_profile(InstanceProfileName="pools_1", Path="/karpenter/us-west-2/pools/uid/", Tags=tags)
    iam.add_role_to_instance_profile(InstanceProfileName="pools_1", RoleName="pools-us-west-2-karpenter-node")
    after_the_sweep = [step.name for step in stage.opened().steps if holds_leftovers(step) and step.kind == "iam-role"]
    assert after_the_sweep == [NODE]
    gone = stage.teardown()
    assert gone.ok, [o for o in gone.report.outcomes if not o.good]
    tried = [call for call in stage.tape.calls if call.operation == "DeleteRole"]
    assert len(tried) == len({call.params["RoleName"] for call in tried}), "IAM refuses a role that is in a profile"
    ended = [outcome.name for outcome in gone.report.outcomes if outcome.status is Status.DELETED]
    place = {name.removeprefix("controller/karpenter/"): index for index, name in enumerate(ended)}
    kinds = [place[f"definition-node-{what}"] for what in ("pools", "claims", "classes")]
    assert place["node-pool-gpu"] < place["node-class-gpu"] < min(kinds)
    assert max(kinds) < place["deployment"] < place["node-group/system"]
    assert place["deployment"] < place["pod-identity/karpenter"]
    assert place["node-class-gpu"] < place["access-entry/karpenter-node"] < place[NODE]
    assert place["leftovers"] < place[NODE]
    assert not any(stage.grown().values())


def test_another_autoscaler_takes_its_place_and_leaves_nothing_of_it(stage: Stage) -> None:
    plain = stage.config.model_dump(mode="json") | {"autoscaler": "none", "node_pools": []}
    config = Config.model_validate(plain, strict=False)
    report = stage.provision(config)
    assert report.ok, [o for o in report.outcomes if not o.good]
    assert not {ref for ref in kube(stage).refs() if "karpenter" in str(ref)}
    world = stage.world()
    assert not world["queue"]
    assert not world["event-rule"]
    assert "karpenter" not in str(world["iam-role"])
    assert {o.status for o in stage.provision(config).outcomes} == {Status.UNCHANGED}


def test_a_family_that_ec2_does_not_have_is_told_and_stops_nothing(theatre: Theatre) -> None:
    data = everything("karpenter").model_dump(mode="json") | {
        "node_pools": [{"name": "x", "instance_families": ["zz9"]}]
    }
    with theatre.stage(Config.model_validate(data, strict=False)) as stage:
        told = [note for note in stage.opened().settled.notes if "node pool x" in note]
    assert told == ["EC2 has no zz9.* in this region: node pool x launches none of that"]
