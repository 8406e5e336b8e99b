"""The provisioned stack that others meddle with, and what meddling is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eksprov.core.step import AnyStep, Outputs
from support.stage import Stage

NO_RIGHTS = '{"Version":"2012-10-17","Statement":[]}'


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
        mine = [step for step in self.steps if step.kind == kind]
        return [step for step in mine if kind != "access-entry" or getattr(step, "type", "") != "EC2_LINUX"][-1]

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


Change = Callable[[Made, AnyStep], None]
Changes = dict[tuple[str, str], Change | str]
