"""The public parameters in which AWS names node images: what is there, what is not, and how much may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from support.account import REGION
from support.clock import VirtualClock
from support.kubernetes import StillKubernetes
from support.requests_held import wrong_on_purpose

from eksprov.local.aws.inprocess import emulated_aws
from eksprov.steps.node_groups.releases import PARAMETERS, parameter

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@pytest.fixture(scope="module")
def ssm() -> Iterator[SSMClient]:
    with emulated_aws(StillKubernetes(), VirtualClock().now, 1.0):
        yield boto3.client("ssm", region_name=REGION)


def test_every_image_that_a_node_group_may_have_has_its_release(ssm: SSMClient) -> None:
    names = [parameter(kind, "1.36") for kind in PARAMETERS]
    answer = ssm.get_parameters(Names=names)
    assert {one["Name"] for one in answer["Parameters"]} == set(names)
    assert {one["Value"] for one in answer["Parameters"]} == {"1.36.0-20260901"}
    assert answer["InvalidParameters"] == []
    assert ssm.get_parameter(Name=names[0])["Parameter"]["Value"] == "1.36.0-20260901"


def test_what_is_not_there_is_named_and_the_accounts_own_is_kept(ssm: SSMClient) -> None:
    ssm.put_parameter(Name="/mine", Value="x", Type="String")
    absent = parameter("AL2023_x86_64_STANDARD", "1.19")
    answer = ssm.get_parameters(Names=["/mine", absent])
    assert ([one["Value"] for one in answer["Parameters"]], answer["InvalidParameters"]) == (["x"], [absent])
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name=absent)


def test_more_than_ten_names_at_once_are_refused(ssm: SSMClient) -> None:
    with wrong_on_purpose(), pytest.raises(ClientError, match="ValidationException"):
        ssm.get_parameters(Names=[f"/{number}" for number in range(11)])
