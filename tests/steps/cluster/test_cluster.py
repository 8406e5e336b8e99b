"""The cluster: made as the config says, changed one kind of update at a time, and patient where AWS asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.bench import Bench

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.core.step import PhaseState
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.cluster.facts import ClusterFacts


def cluster_of(bench: Bench, **more: Any) -> Cluster:
    step = bench.steps["cluster"]
    assert isinstance(step, Cluster)
    return replace(step, **more)


def live(bench: Bench) -> Any:
    return bench.plain("eks").describe_cluster(name=bench.us.stack)["cluster"]


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make("cluster")
    return bench


def test_a_new_cluster_is_what_the_config_says_and_settles(bench: Bench) -> None:
    outcome = bench.make("cluster")
    assert outcome.status is Status.CREATED
    assert bench.calls() == ["CreateCluster"]
    cluster = live(bench)
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["resourcesVpcConfig"]["endpointPrivateAccess"] is True
    assert len(cluster["resourcesVpcConfig"]["subnetIds"]) == 4
    enabled = [kind for one in cluster["logging"]["clusterLogging"] if one["enabled"] for kind in one["types"]]
    assert sorted(enabled) == ["api", "audit", "authenticator"]
    assert cluster["tags"]["eksprov:stack-id"] == bench.us.stack_id
    sent = next(call.params for call in bench.tape.mutating)
    assert sent["bootstrapSelfManagedAddons"] is False
    assert sent["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] is False
    assert len(sent["clientRequestToken"]) == 64
    known = {"name", "arn", "version", "endpoint", "certificate_authority", "security_group", "vpc", "oidc_issuer"}
    assert set(outcome.outputs) == known | {"ip_family", "service_cidr"}
    bench.settles(cluster_of(bench))
    assert len(bench.tape.reads) == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"log_types": ("audit",)}, "log_types"),
        ({"support_type": "EXTENDED"}, "support_type"),
        ({"deletion_protection": True}, "deletion_protection"),
        ({"public_cidrs": ("81.2.70.0/24",)}, "public_cidrs"),
        ({"private_access": False}, "private_access"),
    ],
)
def test_each_setting_changes_in_place_with_one_call(made: Bench, more: dict[str, Any], field: str) -> None:
    step = cluster_of(made, **more)
    outcome = made.again(step)
    assert outcome.status is Status.UPDATED
    assert outcome.change.names == (field,)
    assert made.calls() == ["UpdateClusterConfig"]
    made.settles(step)


def test_many_changes_go_one_kind_at_a_time(made: Bench) -> None:
    step = cluster_of(made, log_types=(), support_type="EXTENDED", public_access=False, deletion_protection=True)
    assert made.again(step).status is Status.UPDATED
    blocks = [set(call.params) - {"name", "clientRequestToken"} for call in made.tape.mutating]
    assert blocks == [{"deletionProtection"}, {"logging"}, {"upgradePolicy"}, {"resourcesVpcConfig"}]
    made.settles(step)


@pytest.mark.parametrize("more", [{"version": "1.99"}, {"service_cidr": "172.21.0.0/16"}])
def test_what_cannot_change_in_place_is_refused_by_name(made: Bench, more: dict[str, Any]) -> None:
    with pytest.raises(errors.ReplacementError, match=next(iter(more))):
        made.again(cluster_of(made, **more))
    assert made.calls() == []


def test_it_waits_until_iam_tells_eks_of_the_role(bench: Bench) -> None:
    step = cluster_of(bench)
    bench.make_needs(step)
    bench.tape.rewind()
    aws, began = bench.aws(), bench.clock.now()
    refusal = "Role with arn: x, could not be assumed because it does not exist or the trusted entity is not correct"
    bench.tape.refuse("CreateCluster", "InvalidParameterException", refusal, times=3)
    known = step.create(aws, step.desired(bench.outputs), "t" * 64)
    assert known["arn"].endswith(f"cluster/{bench.us.stack}")
    assert len(bench.calls()) == 4
    assert bench.clock.now() > began


def test_a_wrong_parameter_is_not_sent_twice(bench: Bench) -> None:
    step = cluster_of(bench, service_cidr="192.0.2.0/24")
    bench.make_needs(step)
    bench.tape.rewind()
    aws = bench.aws()
    bench.tape.refuse("CreateCluster", "InvalidParameterException", "unsupported Kubernetes version")
    with pytest.raises(Exception, match="unsupported Kubernetes version"):
        step.create(aws, step.desired(bench.outputs), "t" * 64)
    assert len(bench.calls()) == 1


def test_a_zone_without_room_names_the_zones_that_work() -> None:
    from botocore.exceptions import ClientError

    from eksprov.steps.cluster.cluster import _wrong_zone

    answer = {
        "Error": {"Code": "UnsupportedAvailabilityZoneException", "Message": "us-west-2a is full"},
        "validZones": ["us-west-2b", "us-west-2c"],
    }
    found = _wrong_zone("cluster", ClientError(answer, "CreateCluster"))  # type: ignore[arg-type]  # as botocore makes it
    assert found is not None
    assert "us-west-2a is full" in found.message
    assert "us-west-2b, us-west-2c" in found.hint


def test_a_protected_cluster_is_not_deleted_and_says_how_to(made: Bench) -> None:
    step = cluster_of(made, deletion_protection=True)
    made.again(step)
    with pytest.raises(errors.ProvisioningError, match="protected") as refused:
        made.remove(step)
    assert "deletion_protection to false" in refused.value.hint
    assert made.calls() == []


def test_a_delete_waits_for_what_is_in_progress(made: Bench) -> None:
    step = cluster_of(made)
    have = step.discover(made.aws())
    assert have is not None
    made.tape.rewind()
    aws = made.aws()
    made.tape.refuse("DeleteCluster", "ResourceInUseException", "Cluster has an update in progress", times=2)
    step.delete(aws, have)
    assert live(made)["status"] == "DELETING"


def test_it_goes(made: Bench) -> None:
    made.goes(cluster_of(made))


def test_a_strangers_cluster_is_refused(made: Bench) -> None:
    made.plain("eks").tag_resource(resourceArn=live(made)["arn"], tags={"eksprov:stack": "another"})
    made.is_refused(cluster_of(made))
    assert live(made)["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATING", PhaseState.MOVING),
        ("UPDATING", PhaseState.MOVING),
        ("PENDING", PhaseState.MOVING),
        ("DELETING", PhaseState.LEAVING),
        ("FAILED", PhaseState.FAILED),
        ("ACTIVE", PhaseState.READY),
    ],
)
def test_phases_follow_eks_and_carry_its_words(made: Bench, status: str, state: PhaseState) -> None:
    step = cluster_of(made)
    have: ClusterFacts | None = step.discover(made.aws())
    assert have is not None
    ill = replace(have, status=status, health=(("KmsKeyDisabled", "the key is off"),))
    assert step.phase(ill).state is state
    if state is not PhaseState.LEAVING:
        assert "the key is off" in step.phase(ill).message


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "203.0.113.0/24"])
def test_the_emulated_eks_takes_no_caller_who_cannot_come_from_the_internet(bench: Bench, cidr: str) -> None:
    step = cluster_of(bench, public_cidrs=(cidr,))
    bench.make_needs(step)
    with pytest.raises(ClientError, match="not allowed in publicAccessCidrs"):
        step.create(bench.aws(), step.desired(bench.outputs), "t" * 64)
