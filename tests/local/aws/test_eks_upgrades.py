"""Upgrades: what insights say against them."""

from __future__ import annotations

import pytest
from support.aws_fakes import DEMO, Scene, refused


def test_insights_see_lagging_addons_and_a_refresh_tells_when_it_is_done(scene: Scene) -> None:
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


def test_an_error_of_an_insight_stands_against_the_upgrade_unless_forced(scene: Scene) -> None:
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
