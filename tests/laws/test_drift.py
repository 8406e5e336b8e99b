"""Every field of every kind: what somebody changed behind our back is put back, or the change is refused by name.

The changes are made with plain boto3, and worlds are compared; so a kind that does not really read a field, or does
not really write it, fails here. `CHANGES` must name every compared field: a new one cannot be forgotten.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from support.account import run_of
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Step
from eksprov.steps import KINDS

AnyStep = Step[Any, Any]
# Kinds whose stacks are others: their own tests change each of their fields.
ELSEWHERE = {
    "asg-tags": "tests/controllers/test_controllers_in_a_stack.py",
    "cluster-endpoint": "tests/steps/test_cluster_endpoint.py",
    "existing-subnet": "tests/steps/test_existing_network.py",
    "existing-vpc": "tests/steps/test_existing_network.py",
    "placement-group": "tests/steps/test_placement_group.py",
}
AUTO_MODE = "tests/steps/test_auto_mode.py changes it in a stack that has it"
HERE = tuple(kind for kind in KINDS if kind.kind not in ELSEWHERE)


@dataclass
class Made:
    """A provisioned stack, and ways to meddle with it."""

    stage: Stage
    steps: tuple[AnyStep, ...]
    outputs: Outputs
    right: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str) -> AnyStep:
        """The kind's representative: the last one, a model's role among roles, a person's among access entries."""
        usual = {"addon": "addon/vpc-cni", "subnet": "subnet/private-1", "alarm": "alarm/api-server-errors"}
        if kind in usual:
            return next(step for step in self.steps if step.name == usual[kind])
        return [step for step in self.steps if step.kind == kind and getattr(step, "type", "") != "EC2_LINUX"][-1]

    def client(self, service: str) -> Any:
        """Plain boto3."""
        return self.stage.account.plain(service)

    def newest(self, template: str) -> Any:
        """What the newest version of a launch template says."""
        ask: Any = {"LaunchTemplateName": template, "Versions": ["$Latest"]}
        (newest,) = self.client("ec2").describe_launch_template_versions(**ask)["LaunchTemplateVersions"]
        return newest["LaunchTemplateData"]

    def id(self, name: str) -> str:
        """A step's id."""
        return self.outputs.get(name, "id")


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Made]:
    data = quick_start().model_dump()
    data["cluster"] |= {"kms_key": "own"}
    data["network"] |= {"endpoints": ("sts",), "ip_family": "ipv6"}
    data["cluster"].pop("service_ipv4_cidr")
    data["autoscaler"] = "karpenter"
    data["monitoring"] |= {"alarms": True, "alarm_emails": ("ops@example.com",), "dashboards": True}
    with theatre.stage(Config.model_validate(data)) as stage:
        report = stage.provision()
        outputs = Outputs({outcome.name: outcome.outputs for outcome in report.outcomes})
        opened = stage.opened()
        yield Made(stage, opened.steps, outputs, stage.world())


def vpc(**change: Any) -> Callable[[Made, AnyStep], None]:
    return lambda m, _: m.client("ec2").modify_vpc_attribute(VpcId=m.id("vpc"), **change)


def subnet_role(m: Made, step: AnyStep) -> None:
    ec2 = m.client("ec2")
    ec2.delete_tags(Resources=[m.id(step.name)], Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    ec2.create_tags(Resources=[m.id(step.name)], Tags=[{"Key": "kubernetes.io/role/elb", "Value": "1"}])


def no_ipv6_range(m: Made, step: AnyStep) -> None:
    (subnet,) = m.client("ec2").describe_subnets(SubnetIds=[m.id(step.name)])["Subnets"]
    (block,) = subnet["Ipv6CidrBlockAssociationSet"]
    m.client("ec2").disassociate_subnet_cidr_block(AssociationId=block["AssociationId"])


def no_ipv6_addresses(m: Made, step: AnyStep) -> None:
    m.client("ec2").modify_subnet_attribute(SubnetId=m.id(step.name), AssignIpv6AddressOnCreation={"Value": False})


def no_route(**to: str) -> Callable[[Made, AnyStep], None]:
    return lambda m, step: m.client("ec2").delete_route(RouteTableId=m.id(step.name), **to)


def no_association(m: Made, step: AnyStep) -> None:
    table = m.client("ec2").describe_route_tables(RouteTableIds=[m.id(step.name)])["RouteTables"][0]
    m.client("ec2").disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])


def role_trust(m: Made, step: AnyStep) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip  # noqa: E501
    m.client("iam").update_assume_role_policy(RoleName=step.slug, PolicyDocument=json.dumps(trust))


def role_policies(m: Made, step: AnyStep) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    m.client("iam").attach_role_policy(RoleName=step.slug, PolicyArn=arn)


def untag_group(m: Made, step: AnyStep) -> None:
    arn = m.outputs.get(step.name, "arn")
    m.client("logs").untag_resource(resourceArn=arn, tagKeys=["eksprov:stack", "eksprov:stack-id", "eksprov:step"])


def cluster(**change: Any) -> Callable[[Made, AnyStep], None]:
    return lambda m, step: m.client("eks").update_cluster_config(name=step.slug, **change)


def entry_policies(m: Made, step: AnyStep) -> None:
    name, principal = step.slug.split("/", 1)
    eks, key = m.client("eks"), {"clusterName": name, "principalArn": principal}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS{}Policy"
    eks.associate_access_policy(**key, policyArn=policy.format("View"), accessScope={"type": "cluster"})
    eks.disassociate_access_policy(**key, policyArn=policy.format("ClusterAdmin"))


def entry_groups(m: Made, step: AnyStep) -> None:
    name, principal = step.slug.split("/", 1)
    m.client("eks").update_access_entry(clusterName=name, principalArn=principal, kubernetesGroups=["strangers"])


def key(change: Callable[[Any, str], Any]) -> Callable[[Made, AnyStep], None]:
    return lambda m, step: change(m.client("kms"), m.id(step.name))


def addon(**change: Any) -> Callable[[Made, AnyStep], None]:
    def update(m: Made, step: AnyStep) -> None:
        name, addon_name = step.slug.split("/")
        m.client("eks").update_addon(clusterName=name, addonName=addon_name, **change)

    return update


def node_group(**change: Any) -> Callable[[Made, AnyStep], None]:
    def update(m: Made, step: AnyStep) -> None:
        name, group = step.slug.split("/")
        m.client("eks").update_nodegroup_config(clusterName=name, nodegroupName=group, **change)

    return update


def template(**change: Any) -> Callable[[Made, AnyStep], None]:
    """A version that somebody else added, like the newest one but for these keys."""

    def update(m: Made, step: AnyStep) -> None:
        key = {"LaunchTemplateName": step.slug}
        data = m.newest(step.slug)
        for name, value in change.items():
            data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
        m.client("ec2").create_launch_template_version(**key, LaunchTemplateData=data)

    return update


def disk(**change: Any) -> Callable[[Made, AnyStep], None]:
    def update(m: Made, step: AnyStep) -> None:
        disks = m.newest(step.slug)["BlockDeviceMappings"]
        disks[-1]["Ebs"] |= change
        template(BlockDeviceMappings=disks)(m, step)

    return update


def alarm(**change: Any) -> Callable[[Made, AnyStep], None]:
    """Put the alarm as it is, but for these parameters."""
    kept = (
        "AlarmName AlarmDescription Namespace MetricName Statistic Threshold Period EvaluationPeriods Dimensions "
        "ComparisonOperator TreatMissingData AlarmActions OKActions"
    )

    def put(m: Made, step: AnyStep) -> None:
        (found,) = m.client("cloudwatch").describe_alarms(AlarmNames=[step.slug])["MetricAlarms"]
        m.client("cloudwatch").put_metric_alarm(**{**{name: found[name] for name in kept.split()}, **change})

    return put


def queue(**attributes: str) -> Callable[[Made, AnyStep], None]:
    def put(m: Made, step: AnyStep) -> None:
        url = m.client("sqs").get_queue_url(QueueName=step.slug)["QueueUrl"]
        m.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)

    return put


def event_rule(**change: str) -> Callable[[Made, AnyStep], None]:
    """Put the rule as it is, but for these parameters."""

    def put(m: Made, step: AnyStep) -> None:
        found = m.client("events").describe_rule(Name=step.slug)
        kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
        m.client("events").put_rule(**{**kept, **change})

    return put


def aimed_elsewhere(m: Made, step: AnyStep) -> None:
    """Another target, and ours is gone."""
    target = {"Id": "theirs", "Arn": "arn:aws:sqs:us-west-2:123456789012:theirs"}
    m.client("events").put_targets(Rule=step.slug, Targets=[target])
    m.client("events").remove_targets(Rule=step.slug, Ids=["eksprov"])


def unsubscribed(m: Made, step: AnyStep) -> None:
    for found in m.client("sns").list_subscriptions_by_topic(TopicArn=step.slug)["Subscriptions"]:
        m.client("sns").unsubscribe(SubscriptionArn=found["SubscriptionArn"])


def bond_role(m: Made, step: AnyStep) -> None:
    eks, name = m.client("eks"), step.slug.split("/")[0]
    have: Any = step.discover(m.stage.opened().aws)
    eks.update_pod_identity_association(
        clusterName=name, associationId=have.id, roleArn=m.outputs.get("role/vpc-cni", "arn")
    )


RESERVED = {"CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}}
NO_RIGHTS = '{"Version":"2012-10-17","Statement":[]}'
TAINT = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
CHANGES: dict[tuple[str, str], Callable[[Made, AnyStep], None] | str] = {
    ("vpc", "dns_support"): vpc(EnableDnsSupport={"Value": False}),
    ("vpc", "dns_hostnames"): vpc(EnableDnsHostnames={"Value": False}),
    ("vpc", "ipv6"): "EC2 refuses it while subnets have a part of the range; tests/steps/test_ipv6.py covers it",
    ("subnet", "role"): subnet_role,
    ("subnet", "ipv6_cidr"): no_ipv6_range,
    ("subnet", "ipv6_assigned"): no_ipv6_addresses,
    ("internet-gateway", "vpc_id"): "EC2 refuses to detach it under a NAT gateway; tests of the kind cover it",
    ("route-table", "default_route"): no_route(DestinationCidrBlock="0.0.0.0/0"),
    ("route-table", "default_route_ipv6"): no_route(DestinationIpv6CidrBlock="::/0"),
    ("route-table", "subnet_ids"): no_association,
    ("iam-role", "trust"): role_trust,
    ("iam-role", "policies"): role_policies,
    ("iam-role", "inline"): lambda m, s: m.client("iam").delete_role_policy(RoleName=s.slug, PolicyName="eksprov"),
    ("iam-role", "description"): lambda m, s: m.client("iam").update_role(RoleName=s.slug, Description="?"),
    ("bucket", "private"): lambda m, s: m.client("s3").put_public_access_block(
        Bucket=s.slug, PublicAccessBlockConfiguration=BLOCK
    ),
    ("bucket", "tls_only"): lambda m, s: m.client("s3").delete_bucket_policy(Bucket=s.slug),
    ("bucket", "abort_days"): lambda m, s: m.client("s3").delete_bucket_lifecycle(Bucket=s.slug),
    ("repository", "tag_mutability"): lambda m, s: m.client("ecr").put_image_tag_mutability(
        repositoryName=s.slug, imageTagMutability="MUTABLE"
    ),
    ("log-group", "retention_days"): lambda m, s: m.client("logs").delete_retention_policy(logGroupName=s.slug),
    ("log-group", "tagged"): untag_group,
    ("cluster", "deletion_protection"): cluster(deletionProtection=True),
    ("cluster", "log_types"): cluster(logging={"clusterLogging": [{"types": ["audit"], "enabled": False}]}),
    ("cluster", "public_access"): cluster(resourcesVpcConfig={"endpointPublicAccess": False}),
    ("cluster", "private_access"): cluster(resourcesVpcConfig={"endpointPrivateAccess": False}),
    ("cluster", "public_cidrs"): cluster(resourcesVpcConfig={"publicAccessCidrs": ["192.0.2.0/24"]}),
    ("cluster", "support_type"): cluster(upgradePolicy={"supportType": "EXTENDED"}),
    ("cluster", "authentication"): "EKS lets it move only towards API, which is what we want",
    ("access-entry", "policies"): entry_policies,
    ("access-entry", "groups"): entry_groups,
    ("access-entry", "user_name"): "compared only where the config has one; tests of the kind cover it",
    **{("cluster", field): AUTO_MODE for field in ("auto_mode", "node_pools", "node_role_arn")},
    ("cluster", "key_arn"): "EKS takes no key back; tests of the key cover it",
    ("kms-key", "policy"): key(lambda kms, key: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=NO_RIGHTS)),
    ("kms-key", "rotation"): key(lambda kms, key: kms.disable_key_rotation(KeyId=key)),
    ("kms-key", "enabled"): key(lambda kms, key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)),
    ("kms-key", "alias"): lambda m, s: m.client("kms").delete_alias(AliasName=s.slug),
    ("addon", "configuration"): addon(configurationValues='{"enableNetworkPolicy":"false"}'),
    ("addon", "roles"): addon(podIdentityAssociations=[]),
    ("addon", "version"): "compared only where the config pins one; tests of the kind cover it",
    ("node-group", "min_size"): node_group(scalingConfig={"minSize": 2}),
    ("node-group", "desired_size"): node_group(scalingConfig={"desiredSize": 1}),
    ("node-group", "max_size"): node_group(scalingConfig={"maxSize": 9}),
    ("node-group", "labels"): node_group(labels={"addOrUpdateLabels": {"team": "ml"}}),
    ("node-group", "taints"): node_group(taints={"addOrUpdateTaints": [TAINT]}),
    ("node-group", "update_rule"): node_group(updateConfig={"maxUnavailable": 3}),
    ("node-group", "node_repair"): node_group(nodeRepairConfig={"enabled": True}),
    ("node-group", "warm_pool"): node_group(warmPoolConfig={"enabled": True, "minSize": 1}),
    ("node-group", "release_version"): "compared only where the config names one; tests of the kind cover it",
    ("node-group", "template_version"): "moves all nodes, whose tags count its versions; tests of the kind cover it",
    ("launch-template", "tokens"): template(MetadataOptions={"HttpTokens": "optional"}),
    ("launch-template", "hop_limit"): template(MetadataOptions={"HttpPutResponseHopLimit": 5}),
    ("launch-template", "disk_device"): template(BlockDeviceMappings=[{"DeviceName": "/dev/sdz", "Ebs": {}}]),
    ("launch-template", "disk_gib"): disk(VolumeSize=20),
    ("launch-template", "disk_iops"): disk(Iops=5000),
    ("launch-template", "disk_throughput_mib"): disk(Throughput=300),
    ("launch-template", "encrypted"): disk(Encrypted=False),
    ("launch-template", "kms_key_arn"): disk(KmsKeyId="arn:aws:kms:us-west-2:111122223333:key/1"),
    ("launch-template", "user_data"): template(UserData="IyEvYmluL3NoCg=="),
    ("launch-template", "interfaces"): template(NetworkInterfaces=[{"DeviceIndex": 0, "InterfaceType": "efa"}]),
    ("launch-template", "security_groups"): template(NetworkInterfaces=[{"DeviceIndex": 0, "Groups": ["sg-1"]}]),
    ("launch-template", "placement_group"): template(Placement={"GroupName": "elsewhere"}),
    ("launch-template", "reservation"): template(CapacityReservationSpecification=RESERVED),
    ("launch-template", "market"): template(InstanceMarketOptions={"MarketType": "spot"}),
    ("launch-template", "instance_type"): template(InstanceType="t3.nano"),
    ("pod-identity-association", "role_arn"): bond_role,
    ("addon", "state"): "EKS's own word for an update that failed; tests of the kind cover it",
    ("addon", "service_account_role"): "compared only where the config names one; tests of the kind cover it",
    ("security-group", "ingress"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("addon", "preserve"): "a tag that counts only when the add-on goes; tests of the kind cover it",
    ("vpc-endpoint", "group_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "private_dns"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "subnet_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "route_table_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("alarm", "watch"): alarm(Threshold=99.0),
    ("alarm", "dimensions"): alarm(Dimensions=[{"Name": "ClusterName", "Value": "another"}]),
    ("alarm", "actions"): alarm(AlarmActions=[], OKActions=[]),
    ("alarm", "description"): alarm(AlarmDescription="?"),
    ("topic", "emails"): unsubscribed,
    ("queue", "retention_s"): queue(MessageRetentionPeriod="60"),
    ("queue", "encrypted"): queue(SqsManagedSseEnabled="false"),
    ("queue", "policy"): queue(Policy=NO_RIGHTS),
    ("event-rule", "pattern"): event_rule(EventPattern='{"source":["aws.s3"]}'),
    ("event-rule", "enabled"): event_rule(State="DISABLED"),
    ("event-rule", "description"): event_rule(Description="?"),
    ("event-rule", "targets"): aimed_elsewhere,
    ("dashboard", "body"): lambda m, s: m.client("cloudwatch").put_dashboard(
        DashboardName=s.slug, DashboardBody='{"widgets":[]}'
    ),
}
REPAIRED = [key for key, change in CHANGES.items() if not isinstance(change, str)]


def compared(made: Made, kind: str) -> dict[str, bool]:
    """Each compared field of a kind's facts, and whether changing it means replacing."""
    facts = made.of(kind).desired(made.outputs)
    return {f.name: bool(f.metadata.get("replace")) for f in fields(facts) if f.compare}


def test_every_field_that_changes_in_place_has_its_drift(made: Made) -> None:
    every = {(kind.kind, name) for kind in HERE for name, replaces in compared(made, kind.kind).items() if not replaces}
    assert every == set(CHANGES)


@pytest.mark.parametrize(("kind", "name"), REPAIRED)
def test_what_was_changed_behind_our_back_is_put_back(made: Made, kind: str, name: str) -> None:
    step, change = made.of(kind), CHANGES[kind, name]
    assert callable(change)
    change(made, step)
    aws = made.stage.opened().aws
    outcome = converge(step, aws, made.outputs, run_of(aws))
    assert outcome.status is Status.UPDATED
    assert name in outcome.change.names
    assert made.stage.world() == made.right
    made.stage.tape.rewind()
    aws = made.stage.opened().aws
    assert converge(step, aws, made.outputs, run_of(aws)).status is Status.UNCHANGED
    assert made.stage.tape.mutating == []


@pytest.mark.parametrize("kind", ["cluster", "vpc", "subnet", "elastic-ip", "security-group", "node-group"])
def test_what_cannot_change_under_others_is_refused_by_name(made: Made, kind: str) -> None:
    """A node group is told to the caller, which makes another one beside it; the other kinds are held by something."""
    step, aws = made.of(kind), made.stage.opened().aws
    for name in (name for name, replaces in compared(made, kind).items() if replaces):
        made.stage.tape.rewind()
        with pytest.raises(errors.ReplacementError, match=name):
            converge(_Wanting(step, name), aws, made.outputs, run_of(aws))  # type: ignore[arg-type]  # as good as one
        assert made.stage.tape.mutating == []


class _Wanting:
    """A step that wants another value of one field."""

    def __init__(self, step: AnyStep, name: str) -> None:
        self._step, self._name = step, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def desired(self, outputs: Outputs) -> Any:
        want = self._step.desired(outputs)
        value = getattr(want, self._name)
        other = value + 1 if isinstance(value, int) else (*value, "x") if isinstance(value, tuple) else f"{value}x"
        return dataclasses.replace(want, **{self._name: other})
