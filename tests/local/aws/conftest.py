"""One emulated account a test, in virtual time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from aws_fakes import Account, Clock, FakeKubernetes  # beside this file
from support.cheaper import make_requests_cheaper

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.inprocess import emulated_aws


@dataclass
class Scene:
    """What a test plays with."""

    aws: Account
    world: LocalAws
    clock: Clock
    kubernetes: FakeKubernetes

    def active_cluster(self, name: str = "demo", **more: Any) -> Any:
        """A cluster that has become ACTIVE."""
        self.aws.eks.create_cluster(**self.aws.cluster_request(name, **more))
        self.clock.advance(451)
        cluster = self.aws.eks.describe_cluster(name=name)["cluster"]
        assert cluster["status"] == "ACTIVE"
        return cluster

    def active_nodegroup(self, **more: Any) -> Any:
        """A node group of the cluster that has become ACTIVE."""
        made = self.aws.eks.create_nodegroup(**self.aws.nodegroup_request(**more))["nodegroup"]
        names = {"clusterName": made["clusterName"], "nodegroupName": made["nodegroupName"]}
        for _ in range(3):
            self.clock.advance(41)
            self.world.tick()
        self.clock.advance(200)
        found = self.aws.eks.describe_nodegroup(**names)["nodegroup"]
        assert found["status"] == "ACTIVE"
        return found


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    make_requests_cheaper()
    return boto3.Session("test", "test", region_name="us-west-2")


@pytest.fixture
def scene(session: boto3.Session) -> Iterator[Scene]:
    clock, kubernetes = Clock(), FakeKubernetes()
    with emulated_aws(kubernetes, clock) as world:
        yield Scene(Account(session), world, clock, kubernetes)
