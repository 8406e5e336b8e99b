"""An emulated account with a bucket that is ours, and a real control plane for the tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws
from support.account import REGION, US, Account
from support.real_kube import control_plane
from support.samples import STACK

from eksprov.aws.tags import as_list, owner_tags
from eksprov.local.controlplane.process import ControlPlane


@pytest.fixture(scope="session")
def _account() -> Account:
    return Account()


@pytest.fixture
def account(_account: Account) -> Iterator[Account]:
    """An account that holds nothing but the stack's bucket."""
    with mock_aws():
        s3 = _account.plain("s3")
        s3.create_bucket(Bucket=STACK.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_tagging(Bucket=STACK.bucket, Tagging={"TagSet": as_list(owner_tags(US, "bucket"))})
        _account.tape.rewind()
        yield _account


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running
