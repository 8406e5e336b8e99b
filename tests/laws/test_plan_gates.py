"""`plan` finds every error that `doctor` finds, whatever the run would do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.configs import changed, with_group
from support.stage import Stage, Theatre, quick_start

from eksprov.config.schema import Config
from eksprov.operations.commands.forecast import doctor, forecast
from eksprov.operations.commands.plan import make_plan
from eksprov.steps.identity.iam_role import trust_document

Case = tuple[bool, Callable[[Config], Config], Callable[[Stage, Config], object]]


def quota(stage: Stage, _config: Config) -> object:
    stage.emulator.quotas.set("L-1216C47A", 1)
    return None


def strangers_role(stage: Stage, config: Config) -> object:
    """Roles are of no weight, so nothing of it but its name is looked at."""
    trust = trust_document("ec2.amazonaws.com", ("sts:AssumeRole",))
    [slug] = (step.slug for step in stage.opened(config).steps if step.name == "role/amazon-cloudwatch-observability")
    return stage.account.plain("iam").create_role(RoleName=slug, AssumeRolePolicyDocument=trust)


def nothing(_stage: Stage, _config: Config) -> object:
    return None


OBSERVED = [{"name": "amazon-cloudwatch-observability"}]
ROLE = "arn:aws:iam::123456789012:role/nobody"
CASES: dict[str, Case] = {
    "a quota of a new stack": (False, lambda config: config, quota),
    "a quota of a group that grows": (True, lambda config: with_group(config, desired_size=3), quota),
    "a version that EKS does not offer": (False, lambda config: changed(config, kubernetes_version="1.20"), nothing),
    "a principal that is not there": (True, lambda c: changed(c, access=[{"principal_arn": ROLE}]), nothing),
    "a name that is taken, of what costs nothing": (
        True,
        lambda config: changed(config, addons=OBSERVED),
        strangers_role,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_of_doctor_is_an_error_of_plan(theatre: Theatre, case: str) -> None:
    standing, config, befalls = CASES[case]
    with theatre.stage(quick_start()) as stage:
        if standing:
            assert stage.provision().ok
        wanted = config(stage.config)
        befalls(stage, wanted)
        opened = stage.opened(wanted)
        plan = make_plan(opened)
        found = doctor(opened, plan).errors
        assert found
        assert forecast(opened, plan).findings.errors == found


def test_where_nothing_changes_doctor_finds_no_error_either(theatre: Theatre) -> None:
    """So a plan without changes need not ask."""
    with theatre.stage(quick_start()) as stage:
        assert stage.provision().ok
        quota(stage, stage.config)
        opened = stage.opened()
        plan = make_plan(opened)
        assert plan.changes == ()
        assert doctor(opened, plan).errors == forecast(opened, plan).findings.errors == ()
