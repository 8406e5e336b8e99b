"""What is in the account of launch templates (with what they say now, whatever its number) and placement groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _templates(client: Any) -> Iterable[Any]:
    ec2 = client("ec2")
    for page in ec2.get_paginator("describe_launch_templates").paginate():
        for item in page["LaunchTemplates"]:
            key = {"LaunchTemplateId": item["LaunchTemplateId"]}
            (newest,) = ec2.describe_launch_template_versions(**key, Versions=["$Latest"])["LaunchTemplateVersions"]
            shown = {k: v for k, v in item.items() if not k.endswith("VersionNumber")}
            yield {**shown, "data": newest["LaunchTemplateData"], "_id": item["LaunchTemplateId"]}


def _placement_groups(client: Any) -> Iterable[Any]:
    try:
        found = client("ec2").describe_placement_groups()["PlacementGroups"]
    except NotImplementedError:  # moto alone, without our emulation, has no such thing
        return
    for group in found:
        yield {key: value for key, value in group.items() if key != "GroupId"}


READS = {"launch-template": _templates, "placement-group": _placement_groups}
