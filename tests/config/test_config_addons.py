"""The rules of add-ons that can be told without asking EKS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eksprov.config.check import check
from eksprov.config.schema import Config

ROLE = "arn:aws:iam::111122223333:role/storage"
MOUNTPOINT = "aws-mountpoint-s3-csi-driver"


def problems(*addons: dict[str, Any]) -> list[tuple[str, str]]:
    config = Config.model_validate_json(json.dumps({"name": "a", "addons": list(addons)}))
    return [(problem.path, problem.level) for problem in check(config)]


@pytest.mark.parametrize(
    ("addon", "found"),
    [
        ({"version_policy": "pinned"}, [("addons[0].version_policy", "error")]),
        ({"version_policy": "default", "version": "v1"}, [("addons[0].version_policy", "error")]),
        ({"version_policy": "pinned", "version": "v1"}, []),
        ({"version": "v1"}, []),
        ({"version_policy": "newest_compatible"}, []),
        (
            {"service_account_role_arn": ROLE, "pod_identity_roles": {"a": ROLE}},
            [("addons[0].service_account_role_arn", "error")],
        ),
        ({"pod_identity_roles": {"Not_A_Name": ROLE}}, [("addons[0].pod_identity_roles.Not_A_Name", "error")]),
        ({"s3_buckets": ["team-data"]}, [("addons[0].s3_buckets", "error")]),
        ({"name": MOUNTPOINT, "s3_buckets": ["team-data"]}, []),
        (
            {"name": MOUNTPOINT, "s3_buckets": ["team-data"], "pod_identity_roles": {}},
            [("addons[0].s3_buckets", "warning")],
        ),
        (
            {"name": "vpc-cni", "configuration": {"enableNetworkPolicy": "false"}},
            [("addons[0].configuration.enableNetworkPolicy", "warning")],
        ),
    ],
)
def test_what_cannot_be_meant_is_told_offline(addon: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert problems({"name": "coredns", **addon}) == found


def test_an_addon_is_named_once() -> None:
    assert problems({"name": "coredns"}, {"name": "coredns"}) == [("addons[1].name", "error")]
