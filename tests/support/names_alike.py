"""What stands in an account under names that begin like a stack's, and is not the stack's."""

from __future__ import annotations

import json
from typing import Any

from support.account import Account

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:*"}]})
PATTERN = json.dumps({"source": ["aws.ec2"]})
WATCH: dict[str, Any] = {
    "Namespace": "AWS/EKS",
    "MetricName": "m",
    "Statistic": "Sum",
    "Threshold": 1.0,
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def settle(account: Account, stack: str) -> None:
    """A stack of a longer name, and one of this name in another region, in what is the whole account's."""
    other = f"{stack}-prod"
    for name in (f"{other}-us-west-2-node", f"{stack}-eu-west-1-node"):
        account.plain("iam").create_role(RoleName=name, Path="/eksprov/", AssumeRolePolicyDocument=TRUST)
    for name in (f"{other}-us-west-2", f"{stack}-eu-west-1"):
        account.plain("cloudwatch").put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    account.plain("cloudwatch").put_metric_alarm(AlarmName=f"{other}-api-server-errors", **WATCH)
    account.plain("sqs").create_queue(QueueName=f"{other}-karpenter")
    account.plain("events").put_rule(Name=f"{other}-karpenter", EventPattern=PATTERN)
    account.plain("sns").create_topic(Name=f"{other}-alarms")
    account.plain("ecr").create_repository(repositoryName=f"{other}/models")
    for name in (f"/aws/eks/{other}/cluster", f"/aws/containerinsights/{other}/application"):
        account.plain("logs").create_log_group(logGroupName=name)
