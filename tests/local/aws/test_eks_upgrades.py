"""Upgrades: what insights say against them, how they are rolled back, and when that can be cancelled."""

from __future__ import annotations

from typing import Any

import pytest
from aws_fakes import DEMO, refused


def test_insights_see_lagging_addons_and_a_refresh_tells_when_it_is_done(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    eks = scene.aws.eks
    assert refused(eks.describe_insights_refresh, **DEMO) == "ResourceNotFoundException"
    eks.create_addon(**DEMO, addonName="kube-proxy")
    scene.clock.advance(21)
    assert eks.start_insights_refresh(**DEMO)["status"] == "IN_PROGRESS"
    assert refused(eks.start_insights_refresh, **DEMO) == "InvalidRequestException"
    scene.clock.advance(61)
    assert eks.describe_insights_refresh(**DEMO)["status"] == "COMPLETED"
    listed = eks.get_paginator("list_insights").paginate(**DEMO, PaginationConfig={"PageSize": 2})
    found = {each["name"]: each for page in listed for each in page["insights"]}
    assert found["Kubelet version skew"]["insightStatus"]["status"] == "PASSING"
    assert found["Deprecated APIs removed in Kubernetes v1.36"]["insightStatus"]["status"] == "UNKNOWN"
    (warned,) = eks.list_insights(**DEMO, filter={"statuses": ["WARNING"]})["insights"]
    detail = eks.describe_insight(**DEMO, id=warned["id"])["insight"]
    (addon,) = detail["categorySpecificSummary"]["addonCompatibilityDetails"]
    assert addon["name"] == "kube-proxy"
    assert all(version.startswith("v1.36") for version in addon["compatibleVersions"])
    assert (
        refused(eks.describe_insight, **DEMO, id="00000000-0000-0000-0000-000000000000") == "ResourceNotFoundException"
    )


def test_an_error_of_an_insight_stands_against_the_upgrade_unless_forced(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    cluster = scene.world.region("us-west-2").clusters["demo"]
    cluster.shape["health"] = {"issues": [{"code": "Ec2SubnetNotFound", "message": "gone", "resourceIds": []}]}
    scene.aws.eks.start_insights_refresh(**DEMO)
    scene.clock.advance(61)
    scene.world.tick()
    wanted = {"name": "demo", "version": "1.36"}
    with pytest.raises(scene.aws.eks.exceptions.InvalidStateException, match="Cluster health issues"):
        scene.aws.eks.update_cluster_version(**wanted)
    scene.aws.eks.update_cluster_version(**wanted, force=True)


def test_an_upgrade_is_rolled_back_within_seven_days_and_not_after(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    eks, back = scene.aws.eks, {"name": "demo", "version": "1.35"}
    assert refused(eks.update_cluster_version, name="demo", version="1.34") == "InvalidParameterException"
    for late in (False, True):
        eks.update_cluster_version(name="demo", version="1.36")
        scene.clock.advance(601)
        scene.world.tick()
        short = {"rollbackConfig": {"timeoutMinutes": 5}}
        assert refused(eks.update_cluster_version, **back, **short) == "InvalidParameterException"
        if late:
            scene.clock.advance(7 * 86400 + 1)
            assert refused(eks.update_cluster_version, **back) == "InvalidParameterException"
            return
        update = eks.update_cluster_version(**back)["update"]
        assert update["type"] == "VersionRollback"
        assert refused(eks.cancel_update, name="demo", updateId=update["id"]) == "InvalidRequestException"
        scene.clock.advance(601)
        assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.35"
        assert refused(eks.update_cluster_version, name="demo", version="1.34") == "InvalidParameterException"


def test_only_a_running_rollback_of_auto_mode_can_be_cancelled(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    scene.world.region("us-west-2").clusters["demo"].shape["computeConfig"] = {"enabled": True}
    eks = scene.aws.eks
    assert refused(eks.cancel_update, name="demo", updateId="none") == "ResourceNotFoundException"
    upgrade = eks.update_cluster_version(name="demo", version="1.36")["update"]
    scene.clock.advance(601)
    scene.world.tick()
    assert refused(eks.cancel_update, name="demo", updateId=upgrade["id"]) == "InvalidRequestException"
    rollback = eks.update_cluster_version(name="demo", version="1.35")["update"]
    cancelled = eks.cancel_update(name="demo", updateId=rollback["id"])["update"]
    assert (cancelled["status"], cancelled["cancellation"]["status"]) == ("Cancelled", "Successful")
    scene.clock.advance(601)
    assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.36"
    assert refused(eks.cancel_update, name="demo", updateId=rollback["id"]) == "InvalidStateException"
