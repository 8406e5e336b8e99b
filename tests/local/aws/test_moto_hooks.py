"""The names inside moto that the local AWS is built on; they fail here first when moto changes."""

from __future__ import annotations

import boto3
import moto
import moto.eks.urls
from support.aws_fakes import Account, Clock, FakeKubernetes

from eksprov.local.aws import hooks
from eksprov.local.aws.eks.response import OPERATIONS
from eksprov.local.aws.inprocess import emulated_aws


def test_moto_is_the_version_the_hooks_were_made_for() -> None:
    assert moto.__version__ == "5.2.5"
    assert hooks.missing_hooks() == []


def test_a_lost_hook_is_named() -> None:
    lost = (("moto.core.responses", "BaseResponse", ("no_such_method",)), ("moto.core", "NoSuchClass", ()))
    assert hooks.missing_hooks(lost) == ["moto.core.responses.BaseResponse.no_such_method", "moto.core.NoSuchClass"]


def test_all_operations_are_named_as_in_the_api(session: boto3.Session) -> None:
    known = set(session.client("eks").meta.service_model.operation_names)
    assert set(OPERATIONS) <= known
    assert len(OPERATIONS) >= 39


def test_each_account_begins_empty_and_moto_gets_its_answers_back(session: boto3.Session) -> None:
    hooks.uninstall()  # a server of an earlier test may still answer for moto
    before = dict(moto.eks.urls.url_paths)
    for _ in range(2):
        with emulated_aws(FakeKubernetes(), Clock()) as world:
            aws = Account(session)
            assert aws.eks.list_clusters()["clusters"] == []
            aws.eks.create_cluster(**aws.cluster_request())
            assert world.calls.count("eks", "CreateCluster") == 1
    assert moto.eks.urls.url_paths == before
