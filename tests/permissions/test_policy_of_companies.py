"""The policy at work for a company with rules for roles: bounded and on a path, or existing and only used."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.company import BOUNDARY, OTHER_BOUNDARY, lending, make_boundaries, make_roles, roles_of
from support.configs import changed
from support.operator import employed, policy
from support.stage import Theatre, everything, quick_start

MANAGED = "arn:aws:iam::aws:policy/"
NODE = "quickstart-us-west-2-node"


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


def test_a_company_that_bounds_its_roles_is_served_and_the_bound_holds() -> None:
    config = changed(quick_start(), iam={"role_path": "/ml/", "permissions_boundary": BOUNDARY})
    with Theatre().stage(config) as stage:
        make_boundaries(stage.account.plain("iam"))
        operator = employed(stage, policy(config))
        report = operator.stage.provision()
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        iam = operator.iam
        bound = {"RoleName": NODE, "PermissionsBoundary": OTHER_BOUNDARY}
        assert refused(iam.put_role_permissions_boundary, **bound) == "AccessDenied"
        assert refused(iam.delete_role_permissions_boundary, RoleName=NODE) == "AccessDenied"
        stage.account.plain("iam").delete_role_permissions_boundary(RoleName=NODE)
        given = {"RoleName": NODE, "PolicyArn": MANAGED + "AmazonEKSWorkerNodePolicy"}
        assert refused(iam.attach_role_policy, **given) == "AccessDenied"
        assert operator.stage.provision().ok
        iam.attach_role_policy(**given)
        assert operator.stage.teardown().ok
        assert roles_of(stage.account.plain("iam"), config.name) == {}


@pytest.mark.parametrize("autoscaler", ["none", "auto-mode"])
def test_roles_that_exist_are_used_by_who_may_only_read_them(autoscaler: str) -> None:
    """Auto Mode's is taken out of the instance profile that EKS leaves, which is no change of the role."""
    auto = autoscaler == "auto-mode"
    config = lending(
        everything(autoscaler) if auto else quick_start(), "cluster", "auto_node" if auto else "node", "model"
    )
    with Theatre().stage(config) as stage:
        make_roles(stage.account.plain("iam"))
        before = roles_of(stage.account.plain("iam"), "corp")
        operator = employed(stage, policy(config))
        report = operator.stage.provision()
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        for name in before:
            assert refused(operator.iam.delete_role, RoleName=name) == "AccessDenied"
        assert operator.stage.teardown().ok
        assert roles_of(stage.account.plain("iam"), "corp") == before
        assert stage.account.plain("iam").list_instance_profiles()["InstanceProfiles"] == []
