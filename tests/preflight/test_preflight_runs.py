"""Preflight in a run: errors stop it before its first create, what is suppressed does not, what is unread is said."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, get_args

import pytest
from support.configs import changed, with_group
from support.stage import Stage

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.config.schema.preflight import FindingName
from eksprov.core.names import is_models
from eksprov.core.outcome import Status
from eksprov.operations.commands.forecast import doctor, forecast, guard
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import Report, provision
from eksprov.operations.stack import Opened

READS_LIMIT = 40  # of a run that changes nothing
PREFLIGHT_LIMIT = 40  # of the reads before the first create


class Told:
    """A progress that remembers its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: None


def guarded(stage: Stage, config: Config | None = None, told: Told | None = None) -> Opened:
    """The stack as the command line opens it: with preflight."""
    opened = stage.opened(config)
    steps = tuple(step for step in opened.steps if not is_models(step.name))
    return replace(opened, steps=steps, stack=replace(opened.stack, preflight=True, progress=told or Told()))


def run(stage: Stage, config: Config | None = None, told: Told | None = None) -> Report:
    opened = guarded(stage, config, told)
    stage.tape.rewind()
    return provision(opened)


def test_no_gpu_quota_stops_a_run_before_its_first_create(stage: Stage) -> None:
    stage.emulator.quotas.set("L-DB2E81BA", None)  # AWS's default: 0
    before = stage.world()
    config = with_group(stage.config, instance_types=["g5.xlarge"])
    with pytest.raises(errors.ProvisioningError) as refusal:
        run(stage, config)
    assert "quota-vcpu-g" in refusal.value.message
    assert "L-DB2E81BA" in refusal.value.message
    assert "request-service-quota-increase" in refusal.value.message
    assert "preflight.suppress: [quota-vcpu-g]" in refusal.value.hint
    assert stage.tape.mutating == []
    assert stage.world() == before
    assert stage.store.load() is None


def test_a_suppressed_finding_stops_nothing(stage: Stage) -> None:
    stage.emulator.quotas.set("L-1216C47A", 1)
    with pytest.raises(errors.ProvisioningError, match="quota-vcpu-standard"):
        run(stage)
    report = run(stage, changed(stage.config, preflight={"suppress": ["quota-vcpu-standard"]}))
    failed = {each.name: each.message for each in report.outcomes if each.status is Status.FAILED}
    assert "VcpuLimitExceeded" in failed["node-group/workers"]  # where AWS itself says so


def test_a_warning_is_told_and_stops_nothing(stage: Stage) -> None:
    stage.emulator.quotas.set("L-1216C47A", 5)
    told = Told()
    assert run(stage, told=told).ok
    assert [note for note in told.notes if note.startswith("warning: quota-vcpu-standard")]


def test_what_may_not_be_read_stays_unknown_and_stops_nothing(stage: Stage) -> None:
    told, opened = Told(), guarded(stage)
    opened = replace(opened, stack=replace(opened.stack, progress=told))
    stage.tape.rewind()
    for operation in ("GetServiceQuota", "SimulatePrincipalPolicy", "DescribeInstances"):
        stage.tape.refuse(operation, "AccessDeniedException", f"no {operation}", times=20)
    guard(opened)
    unknown = [note for note in told.notes if "unknown" in note]
    assert any("quota-vcpu-standard" in note and "no GetServiceQuota" in note for note in unknown)
    assert any("permissions" in note for note in unknown)


def test_a_run_that_changes_nothing_asks_for_no_quota(stage: Stage) -> None:
    assert run(stage).ok
    assert run(stage).ok
    asked = Counter(call.operation for call in stage.tape.reads)
    assert "GetServiceQuota" not in asked
    assert len(stage.tape.reads) <= READS_LIMIT, asked
    assert stage.tape.mutating == []


def test_preflight_is_a_few_reads_and_nothing_else(stage: Stage) -> None:
    opened = guarded(stage)
    stage.tape.rewind()
    guard(opened)
    assert stage.tape.mutating == []
    assert len(stage.tape.calls) <= PREFLIGHT_LIMIT, Counter(call.operation for call in stage.tape.calls)


def test_a_grown_group_is_looked_at_again(stage: Stage) -> None:
    assert run(stage).ok
    stage.emulator.quotas.set("L-1216C47A", 8)
    with pytest.raises(errors.ProvisioningError, match="4 in use; this run needs 6 vCPUs more"):
        run(stage, with_group(stage.config, desired_size=5, max_size=9))


def test_a_strangers_name_stops_a_run_before_its_first_create(stage: Stage) -> None:
    stage.account.plain("s3").create_bucket(
        Bucket="quickstart-models-123456789012-us-west-2",
        CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
    )
    with pytest.raises(errors.ProvisioningError, match=r"name-taken: bucket/models"):
        run(stage)
    assert stage.tape.mutating == []


def test_a_lost_state_is_no_reason_to_ask(stage: Stage) -> None:
    assert run(stage).ok
    stage.store.forget()
    assert run(stage).ok
    assert "GetServiceQuota" not in {call.operation for call in stage.tape.calls}


def test_a_poor_spot_score_and_a_missing_type_are_found(stage: Stage) -> None:
    stage.emulator.spot_scores["m7i.large"] = 1
    opened = stage.opened(with_group(stage.config, capacity_type="SPOT"))
    assert [one.name for one in doctor(opened, make_plan(opened)).listed if one.level == "warning"] == ["spot-score"]


def test_plan_looks_ahead_only_where_something_is_made(stage: Stage) -> None:
    stage.emulator.quotas.set("L-1216C47A", 1)
    opened = stage.opened()
    ahead = forecast(opened, make_plan(opened))
    assert [one.name for one in ahead.findings.errors] == ["quota-vcpu-standard"]
    stage.provision()
    opened = stage.opened()
    plan = make_plan(opened)
    stage.tape.rewind()
    assert forecast(opened, plan).findings.listed == ()
    assert stage.tape.calls == []


def test_an_estimate_above_the_limit_is_a_warning(stage: Stage) -> None:
    opened = stage.opened(changed(stage.config, cost={"warn_above_usd_per_month": 264}))
    found = doctor(opened, make_plan(opened)).listed
    assert [one.message for one in found if one.name == "monthly-cost"] == [
        "the estimate of $265 a month is above cost.warn_above_usd_per_month (264)"
    ]
    opened = stage.opened(changed(stage.config, cost={"warn_above_usd_per_month": 265}))
    assert not [one for one in doctor(opened, make_plan(opened)).listed if one.name == "monthly-cost"]


def test_every_finding_has_a_name_that_the_config_knows(stage: Stage) -> None:
    for quota in ("L-1216C47A", "L-0263D0A3", "L-F678F1CE", "L-FE5A380F", "L-1194D53C", "L-6D54EA21", "L-BD136A63"):
        stage.emulator.quotas.set(quota, 0)
    opened = stage.opened()
    found = doctor(opened, make_plan(opened))
    assert len(found.errors) == 7
    assert {one.name for one in found.listed} <= set(get_args(FindingName))
