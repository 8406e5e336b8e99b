"""Somebody in the emulated account who has a policy and nothing else."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import boto3

from eksprov.aws.session import Aws
from eksprov.config.schema import Config
from eksprov.operations.commands.operator_policy import operator_policy
from eksprov.permissions import PHASES
from support.account import REGION, US, Account
from support.calls import Tape
from support.clock import VirtualClock
from support.stage import Stage

ACCOUNT = "123456789012"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


class OfSession(Account):
    """An account whose calls are signed by somebody's temporary keys."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.region, self.tape, self._clients = REGION, Tape(), {}
        words = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        self._session = self._plain = boto3.Session(*words, region_name=REGION)
        self.tape.listen(self._session)
        self._first = Aws.connect(self._session, US, VirtualClock())


@dataclass
class Operator:
    """A role with policies, and a stage that it plays on."""

    role: str
    stage: Stage
    iam: Any


def employed(stage: Stage, documents: Any) -> Operator:
    """Somebody who has these policies and nothing else."""
    plain = stage.account.plain("iam")
    role = plain.create_role(RoleName="operator", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    for number, document in enumerate(documents, 1):
        name, text = f"{stage.config.name}-{number}", json.dumps(document)
        made = plain.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
        plain.attach_role_policy(RoleName="operator", PolicyArn=made)
    sts = stage.account.plain("sts")
    account = OfSession(sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"])
    playing = dataclasses.replace(stage, account=account)
    return Operator(role, playing, account.plain("iam"))


def policy(config: Config) -> tuple[Any, ...]:
    """What `eksprov policy` prints for the account."""
    return operator_policy(config, None, PHASES, account=ACCOUNT, partition="aws").documents
