"""What CloudWatch watches, shows and keeps of a stack.

The control plane's metrics are EKS's own and free, one value a minute in the namespace AWS/EKS
(https://docs.aws.amazon.com/eks/latest/userguide/cloudwatch.html); nodes are watched through the Auto Scaling group of
their node group (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html), NAT
gateways by their own (https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html). A model's
dashboard shows what Container Insights measures of its pods, hence is empty without the add-on
amazon-cloudwatch-observability
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-enhanced-EKS.html).
The thresholds are eksprov's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eksprov.core.names import model_step
from eksprov.core.step import AnyStep
from eksprov.steps.catalog.names import CLUSTER, cluster_name
from eksprov.steps.monitoring.alarm import Alarm, Watch
from eksprov.steps.monitoring.dashboard import Dashboard, Widget
from eksprov.steps.monitoring.log_group import INSIGHTS, LogGroup
from eksprov.steps.monitoring.topic import Topic
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config

TOPIC = "topic/alarms"
OBSERVABILITY = "amazon-cloudwatch-observability"
# What the add-on's agents write to, and would make themselves, kept for ever
# (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html).
INSIGHTS_GROUPS = ("application", "dataplane", "host", "performance")
EKS, EC2, NAT, PODS = "AWS/EKS", "AWS/EC2", "AWS/NATGateway", "ContainerInsights"
API_ERRORS = Watch(EKS, "apiserver_request_total_5XX", "Sum", threshold=10, period_s=300, periods=3)
UNSCHEDULABLE = Watch(EKS, "scheduler_pending_pods_UNSCHEDULABLE", "Sum", threshold=1, period_s=60, periods=15)
SICK_NODES = Watch(EC2, "StatusCheckFailed", "Maximum", threshold=1, period_s=60, periods=5)
NO_PORTS = Watch(NAT, "ErrorPortAllocation", "Sum", threshold=1, period_s=300, periods=1)


def monitoring(config: Config, settled: Settled, steps: Sequence[AnyStep]) -> Iterator[AnyStep]:
    """Alarms, the topic they speak to, the stack's dashboard, log groups; `steps` are those they look at."""
    if config.monitoring.alarms:
        yield from _alarms(config, settled, steps)
    if config.monitoring.dashboards:
        yield _dashboard(config, settled, steps)
    if any(addon.name == OBSERVABILITY for addon in config.addons):
        for what in INSIGHTS_GROUPS:
            yield LogGroup(
                name=f"log-group/{what}",
                slug=f"{INSIGHTS}{cluster_name(config)}/{what}",
                retention_days=config.monitoring.container_log_retention_days,
                outlives=(f"addon/{OBSERVABILITY}", CLUSTER),
            )


def model_dashboard(config: Config, settled: Settled, model: str, namespace: str) -> Iterator[Dashboard]:
    """The dashboard of one model, where dashboards are wanted."""
    if not config.monitoring.dashboards:
        return
    who = ("ClusterName", cluster_name(config), "Namespace", namespace)

    def pods(metric: str) -> tuple[str, ...]:
        return (PODS, metric, *who, "PodName", model)

    widgets = (
        # Of the node: a model has no CPU limit, so what is measured against one stays empty.
        Widget("CPU, percent of the node", "Average", (pods("pod_cpu_utilization"),)),
        Widget("Memory, percent of the limit", "Average", (pods("pod_memory_utilization_over_pod_limit"),)),
        Widget("Restarts of containers", "Maximum", (pods("pod_number_of_container_restarts"),)),
        Widget("Running pods", "Average", ((PODS, "service_number_of_running_pods", *who, "Service", model),)),
        Widget("Network, bytes a second", "Average", (pods("pod_network_rx_bytes"), pods("pod_network_tx_bytes"))),
    )
    name = f"{config.name}-{settled.region}-model-{model}"
    yield Dashboard(name=model_step(model, "dashboard"), slug=name, region=settled.region, widgets=widgets)


def _alarms(config: Config, settled: Settled, steps: Sequence[AnyStep]) -> Iterator[AnyStep]:
    stack, section = config.name, config.monitoring
    topic = TOPIC if section.alarm_emails else ""
    if topic:
        arn = f"arn:{settled.partition}:sns:{settled.region}:{settled.account}:{stack}-alarms"
        yield Topic(name=TOPIC, slug=arn, emails=section.alarm_emails)
    actions = (section.alarm_topic_arn,) if section.alarm_topic_arn else ()
    base = Alarm(name="", slug="", topic=topic, actions=actions, needs=(topic,) if topic else ())

    def alarm(what: str, watch: Watch, description: str, watched: tuple[str, str, str] | None = None) -> Alarm:
        needs = base.needs if watched is None else (*base.needs, watched[1])
        named = replace(base, name=f"alarm/{what}", slug=f"{stack}-{what.replace('/', '-')}", needs=needs)
        whole = () if watched else (("ClusterName", cluster_name(config)),)
        return replace(named, watch=watch, description=description, watched=watched, dimensions=whole)

    yield alarm("api-server-errors", API_ERRORS, f"The API server of {stack} answers with errors of its own (5xx)")
    yield alarm("unschedulable-pods", UNSCHEDULABLE, f"Pods of {stack} have found no node for 15 minutes")
    for step in steps:
        what = step.name.replace("/", "-")
        if step.kind == "node-group":
            watched = ("AutoScalingGroupName", step.name, "autoscaling_group")
            yield alarm(f"{what}-status", SICK_NODES, f"A node of {step.slug} fails its status checks", watched)
        elif step.kind == "nat-gateway":
            watched = ("NatGatewayId", step.name, "id")
            yield alarm(f"{what}-ports", NO_PORTS, f"{step.slug} has no port left for a connection", watched)


def _dashboard(config: Config, settled: Settled, steps: Sequence[AnyStep]) -> Dashboard:
    cluster = ("ClusterName", cluster_name(config))
    groups = [step.name for step in steps if step.kind == "node-group"]
    gateways = [step.name for step in steps if step.kind == "nat-gateway"]

    def eks(*metrics: str) -> tuple[tuple[str, ...], ...]:
        return tuple((EKS, metric, *cluster) for metric in metrics)

    def nodes(metric: str) -> tuple[tuple[str | tuple[str, str], ...], ...]:
        return tuple((EC2, metric, "AutoScalingGroupName", (group, "autoscaling_group")) for group in groups)

    errors = eks("apiserver_request_total_4XX", "apiserver_request_total_5XX", "apiserver_request_total_429")
    waits = eks("apiserver_request_duration_seconds_GET_P99", "apiserver_request_duration_seconds_POST_P99")
    pending = eks("scheduler_pending_pods", "scheduler_pending_pods_UNSCHEDULABLE")
    traffic = tuple((NAT, "BytesOutToDestination", "NatGatewayId", (gateway, "id")) for gateway in gateways)
    widgets = (
        Widget("API requests", "Sum", eks("apiserver_request_total")),
        Widget("API errors", "Sum", errors),
        Widget("API latency, seconds", "Average", waits),
        Widget("Pods without a node", "Sum", pending),
        Widget("CPU of the nodes, percent", "Average", nodes("CPUUtilization")),
        Widget("Failed status checks", "Maximum", nodes("StatusCheckFailed")),
        Widget("Bytes out through NAT", "Sum", traffic),
    )
    return Dashboard(
        name="dashboard",
        slug=f"{config.name}-{settled.region}",
        region=settled.region,
        widgets=tuple(widget for widget in widgets if widget.metrics),
        needs=(*groups, *gateways),
    )
