"""Alarms, dashboards and the topic on the emulated CloudWatch and SNS, read back with plain clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.bench import Bench
from support.samples import package, spec
from support.stage import Theatre, quick_start

from eksprov.config.check import check
from eksprov.config.schema import Addon, Config, Monitoring
from eksprov.core.outcome import Status
from eksprov.core.step import Step
from eksprov.operations.commands.models import graph
from eksprov.serving import manifests
from eksprov.steps.catalog import catalog
from eksprov.steps.catalog.monitoring import OBSERVABILITY, model_dashboard
from eksprov.steps.monitoring.alarm import Alarm
from eksprov.steps.monitoring.dashboard import Dashboard
from eksprov.steps.monitoring.topic import Topic

EVERYTHING = Monitoring(alarms=True, alarm_emails=("ops@example.com",), dashboards=True, container_log_retention_days=7)
ALARM, TOPIC, DASHBOARD = "alarm/api-server-errors", "topic/alarms", "dashboard"


def watched_config(**more: object) -> Config:
    return quick_start().model_copy(update={"monitoring": EVERYTHING, **more})


@pytest.fixture
def watched(theatre: Theatre) -> Iterator[Bench]:
    with theatre.stage(watched_config(addons=(Addon(name=OBSERVABILITY),))) as stage:
        yield Bench(stage)


def alarm_of(bench: Bench, name: str = ALARM) -> Alarm:
    step = bench.steps[name]
    assert isinstance(step, Alarm)
    return step


def topic_of(bench: Bench) -> Topic:
    step = bench.steps[TOPIC]
    assert isinstance(step, Topic)
    return step


@pytest.mark.parametrize("name", [ALARM, TOPIC, DASHBOARD, "log-group/application"])
def test_twice_is_once_and_it_goes_again(watched: Bench, name: str) -> None:
    step = watched.steps[name]
    if isinstance(step, Dashboard | Alarm):
        step = replace(step, needs=tuple(need for need in step.needs if need == TOPIC))
        for need in ("node-group/workers", "nat-gateway/1"):
            watched.outputs.put(need, {"autoscaling_group": "asg-1", "id": "nat-1"})
    assert watched.make(step).status is Status.CREATED
    watched.settles(step)
    watched.goes(step)


def test_an_alarm_tells_the_topic_and_watches_what_the_stack_has(watched: Bench) -> None:
    watched.outputs.put("nat-gateway/1", {"id": "nat-0123"})
    wanted = alarm_of(watched, "alarm/nat-gateway-1-ports")
    watched.make(TOPIC)
    watched.again(wanted)
    (found,) = watched.plain("cloudwatch").describe_alarms()["MetricAlarms"]
    assert found["Dimensions"] == [{"Name": "NatGatewayId", "Value": "nat-0123"}]
    assert found["AlarmActions"] == found["OKActions"] == [topic_of(watched).slug]
    assert (found["Namespace"], found["MetricName"]) == ("AWS/NATGateway", "ErrorPortAllocation")
    assert found["TreatMissingData"] == "notBreaching"


def test_an_alarm_changed_by_hand_is_put_back_with_its_tags(watched: Bench) -> None:
    watched.make(ALARM)
    cloudwatch = watched.plain("cloudwatch")
    (found,) = cloudwatch.describe_alarms()["MetricAlarms"]
    kept = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator")
    cloudwatch.put_metric_alarm(**{key: found[key] for key in kept}, Threshold=1.0)
    outcome = watched.again(alarm_of(watched))
    assert outcome.status is Status.UPDATED
    assert set(outcome.change.names) == {"watch", "dimensions", "actions", "description"}
    watched.settles(alarm_of(watched))
    watched.goes(alarm_of(watched))


def test_strangers_of_the_same_name_are_left_alone(watched: Bench) -> None:
    cloudwatch, sns = watched.plain("cloudwatch"), watched.plain("sns")
    watched.outputs.put("node-group/workers", {"autoscaling_group": "asg-1"})
    watched.outputs.put("nat-gateway/1", {"id": "nat-1"})
    cloudwatch.put_metric_alarm(
        AlarmName=alarm_of(watched).slug, MetricName="m", Namespace="n", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    cloudwatch.put_dashboard(DashboardName=watched.steps[DASHBOARD].slug, DashboardBody='{"widgets": []}')
    sns.create_topic(Name=topic_of(watched).slug.rsplit(":", 1)[1], Tags=[{"Key": "team", "Value": "other"}])
    before = watched.stage.world()
    for name in (ALARM, DASHBOARD, TOPIC):
        watched.is_refused(watched.steps[name])
    assert watched.stage.world() == before


def test_listeners_come_and_go_and_one_who_never_confirmed_is_passed_over(watched: Bench) -> None:
    watched.make(TOPIC)
    other = replace(topic_of(watched), emails=("new@example.com",))
    assert watched.again(other).change.names == ("emails",)
    found = watched.plain("sns").list_subscriptions_by_topic(TopicArn=other.slug)["Subscriptions"]
    assert "new@example.com" in [item["Endpoint"] for item in found]
    watched.settles(other)


def test_who_has_to_confirm_a_subscription_is_said_until_they_have(watched: Bench) -> None:
    step = replace(topic_of(watched), emails=("a@example.com", "b@example.com"))
    waits = "a@example.com, b@example.com have to confirm the subscription"
    assert watched.make(step).message.startswith(waits)
    assert watched.again(step).message.startswith(waits)
    sns = watched.plain("sns")
    sns.confirm_subscription(TopicArn=step.slug, Token="a@example.com")
    assert watched.again(step).message.startswith("b@example.com has to confirm the subscription")
    sns.confirm_subscription(TopicArn=step.slug, Token="b@example.com")
    assert watched.again(step).message == ""


def test_the_dashboard_shows_the_groups_and_gateways_there_are(watched: Bench) -> None:
    watched.outputs.put("node-group/workers", {"autoscaling_group": "eks-workers-1"})
    watched.outputs.put("nat-gateway/1", {"id": "nat-1"})
    watched.again(watched.steps[DASHBOARD])
    name = watched.steps[DASHBOARD].slug
    body = json.loads(watched.plain("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"])
    assert "eks-workers-1" in json.dumps(body)
    assert "nat-1" in json.dumps(body)
    assert len({(w["x"], w["y"]) for w in body["widgets"]}) == len(body["widgets"])


def test_unknown_values_make_the_whole_dashboard_unknown_until_they_are_known(watched: Bench) -> None:
    step = watched.steps[DASHBOARD]
    assert step.desired(watched.outputs).body == "(known after apply)"


def test_a_model_has_a_dashboard_where_dashboards_are_wanted(watched: Bench) -> None:
    (step,) = model_dashboard(watched_config(), watched.settled, "digits", "models")
    assert watched.again(step).status is Status.CREATED
    watched.goes(step)
    assert not list(model_dashboard(quick_start(), watched.settled, "digits", "models"))


def test_a_models_dashboard_measures_against_no_limit_that_its_pods_do_not_have(watched: Bench) -> None:
    """Container Insights has no value then."""
    (step,) = model_dashboard(watched_config(), watched.settled, "digits", "models")
    pod = manifests.of_model(spec())["model/digits/deployment"]["spec"]["template"]["spec"]
    limited = set(pod["containers"][0]["resources"]["limits"])
    metrics = [str(metric[1]) for widget in step.widgets for metric in widget.metrics]
    assert metrics
    assert {name.split("_")[1] for name in metrics if name.endswith("_over_pod_limit")} <= limited


def test_a_stack_that_asks_for_nothing_gets_nothing(bench: Bench) -> None:
    kinds = {step.kind for step in catalog(quick_start(), bench.settled)}
    assert not kinds & {"alarm", "dashboard", "topic"}


def test_every_group_and_gateway_is_watched_by_name(watched: Bench) -> None:
    names = {step.name for step in catalog(watched_config(), watched.settled) if isinstance(step, Step)}
    assert {"alarm/node-group-workers-status", "alarm/nat-gateway-1-ports", "alarm/unschedulable-pods"} <= names


def test_what_has_no_effect_is_said() -> None:
    config = quick_start().model_copy(update={"monitoring": Monitoring(alarm_emails=("a@example.com",))})
    assert [(p.path, p.level) for p in check(config)] == [("monitoring.alarm_emails", "warning")]
    topic = "arn:aws:sns:eu-west-1:111122223333:ops"
    config = quick_start().model_copy(update={"monitoring": Monitoring(alarms=True, alarm_topic_arn=topic)})
    assert [(p.path, p.level) for p in check(config)] == [("monitoring.alarm_topic_arn", "error")]


def test_deploying_a_model_makes_its_dashboard(watched: Bench, tmp_path: Path) -> None:
    opened = watched.stage.opened()
    names = [step.name for step in graph(opened, spec(), package(tmp_path))]
    assert "model/digits/dashboard" in names
