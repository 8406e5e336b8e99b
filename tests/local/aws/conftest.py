"""One emulated account a test, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from support.aws_fakes import Account, Clock, FakeKubernetes, Scene
from support.cheaper import make_requests_cheaper

from eksprov.local.aws.inprocess import emulated_aws


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    make_requests_cheaper()
    return boto3.Session("test", "test", region_name="us-west-2")


@pytest.fixture
def scene(session: boto3.Session) -> Iterator[Scene]:
    clock, kubernetes = Clock(), FakeKubernetes()
    with emulated_aws(kubernetes, clock) as world:
        yield Scene(Account(session), world, clock, kubernetes)
