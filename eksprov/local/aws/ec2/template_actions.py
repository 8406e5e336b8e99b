"""Launch templates and placement groups.

moto has no client tokens and no pages for launch templates, mixes their own tags with those of what they launch, and
has no placement groups. Rules: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreatePlacementGroup.html; codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import EC2Backend
from moto.ec2.utils import parse_user_data

from eksprov.local.aws.base import current_world
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.refusal import Refusal
from eksprov.local.partitions import partition_of

PAGE = 200
STRATEGIES = ("cluster", "partition", "spread")


class TemplateActions:
    """Mixed into the response class of EC2."""

    ec2_backend: EC2Backend
    region: str
    params: Any

    def create_launch_template(self) -> Any:
        """CreateLaunchTemplate: the same client token gives the same template, as long as it lives."""
        again = self._made_with()
        if again is not None:
            return ActionResult({"LaunchTemplate": _template(again)})
        ask = _plain(self.params)
        result = super().create_launch_template()  # type: ignore[misc]  # moto's, behind this one
        made = self.ec2_backend.get_launch_template_by_name(ask["LaunchTemplateName"])
        made.versions[0].data = _data(ask)
        self._remember(ask, made)
        return result

    def create_launch_template_version(self) -> Any:
        """CreateLaunchTemplateVersion: a version never changes; the same client token makes no second one."""
        made = self._made_with()
        if made is None:
            ask = _plain(self.params)
            template = self._asked_template(ask)
            made = template.create_version(_data(ask), ask.get("VersionDescription", ""))
            self._remember(ask, made)
        return ActionResult({"LaunchTemplateVersion": _version(made)})

    def describe_launch_templates(self) -> Any:
        ask = _plain(self.params)
        found = self.ec2_backend.describe_launch_templates(
            ask.get("LaunchTemplateNames"), ask.get("LaunchTemplateIds"), _filters(ask)
        )
        start, size = int(ask.get("NextToken") or 0), int(ask.get("MaxResults") or PAGE)
        answer: dict[str, Any] = {"LaunchTemplates": [_template(each) for each in found[start : start + size]]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return ActionResult(answer)

    def delete_launch_template(self) -> Any:
        self._asked_template(_plain(self.params))
        return super().delete_launch_template()  # type: ignore[misc]  # moto's, behind this one

    def create_placement_group(self) -> Any:
        ask, groups = _plain(self.params), current_world().templates.groups
        name, strategy = ask.get("GroupName", ""), ask.get("Strategy", "cluster")
        if (self.region, name) in groups:
            raise Refusal("InvalidPlacementGroup.Duplicate", f"The Placement Group '{name}' already exists.")
        if not name or strategy not in STRATEGIES:
            raise Refusal("InvalidParameterValue", f"Value ({strategy}) for parameter strategy is invalid.")
        group_id = f"pg-{secrets.token_hex(8)}1"
        groups[self.region, name] = {
            "GroupName": name,
            "State": "available",
            "Strategy": strategy,
            "GroupId": group_id,
            "GroupArn": f"arn:{partition_of(self.region)}:ec2:{self.region}:{ACCOUNT}:placement-group/{name}",
            "Tags": [tag for one in ask.get("TagSpecifications") or () for tag in one.get("Tags") or ()],
        }
        return ActionResult({"PlacementGroup": groups[self.region, name]})

    def describe_placement_groups(self) -> Any:
        """DescribePlacementGroups; unknown names are an error."""
        ask = _plain(self.params)
        mine = {
            name: group for (region, name), group in current_world().templates.groups.items() if region == self.region
        }
        for name in ask.get("GroupNames") or ():
            if name not in mine:
                raise _unknown_group(name)
        wanted = ask.get("GroupNames") or mine
        found = [mine[name] for name in wanted if _fits(mine[name], _filters(ask))]
        return ActionResult({"PlacementGroups": found})

    def delete_placement_group(self) -> Any:
        """DeletePlacementGroup: refused while an instance is in it."""
        name, groups = _plain(self.params)["GroupName"], current_world().templates.groups
        if (self.region, name) not in groups:
            raise _unknown_group(name)
        living = (each for each in self.ec2_backend.all_instances() if each.state != "terminated")
        if any(each._placement.group_name == name for each in living):
            raise Refusal(
                "InvalidPlacementGroup.InUse", f"The placement group {name} is in use and may not be deleted."
            )
        del groups[self.region, name]
        return ActionResult({})

    def create_tags(self) -> Any:
        """CreateTags: of placement groups too, which moto does not know."""
        return self._grouped(_put) or super().create_tags()  # type: ignore[misc]  # moto's, behind this one

    def delete_tags(self) -> Any:
        return self._grouped(_drop) or super().delete_tags()  # type: ignore[misc]  # moto's, behind this one

    def _grouped(self, change: Callable[[list[Any], list[Any]], list[Any]]) -> Any:
        """Change the tags of placement groups; None where the request is about other things."""
        ask, groups = _plain(self.params), current_world().templates.groups
        asked = [one for one in ask["Resources"] if one.startswith("pg-")]
        if not asked or len(asked) < len(ask["Resources"]):
            return None
        found = [group for (region, _), group in groups.items() if region == self.region and group["GroupId"] in asked]
        if len(found) < len(set(asked)):
            raise Refusal("InvalidPlacementGroup.Unknown", f"The Placement Group '{asked[0]}' is unknown.")
        for group in found:
            group["Tags"] = change(group["Tags"], ask["Tags"])
        return EmptyResult()

    def _asked_template(self, ask: dict[str, Any]) -> Any:
        key = ask.get("LaunchTemplateId") or ""
        if ask.get("LaunchTemplateName"):
            key = self.ec2_backend.launch_template_name_to_ids.get(ask["LaunchTemplateName"], "")
            code, named = "InvalidLaunchTemplateName.NotFoundException", ask["LaunchTemplateName"]
        else:
            code, named = "InvalidLaunchTemplateId.NotFound", key
        if key not in self.ec2_backend.launch_templates:
            raise Refusal(code, f"The specified launch template, {named}, does not exist.")
        return self.ec2_backend.launch_templates[key]

    def _made_with(self) -> Any:
        """What this client token made before and is still there."""
        ask = _plain(self.params)
        asked, made = current_world().templates.tokens.get((self.region, ask.pop("ClientToken", "")), ({}, None))
        template = getattr(made, "template", made)
        if made is None or template.id not in self.ec2_backend.launch_templates:
            return None
        if asked != ask:
            raise Refusal("IdempotentParameterMismatch", "The client token was used with other parameters")
        return made

    def _remember(self, ask: dict[str, Any], made: Any) -> None:
        token = ask.pop("ClientToken", "")
        if token:
            current_world().templates.tokens[self.region, token] = (ask, made)


def _plain(params: Any) -> dict[str, Any]:
    """The request as plain data of our own."""
    asked: dict[str, Any] = copy.deepcopy(dict(params))
    return asked


def _data(ask: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = copy.deepcopy(dict(ask.get("LaunchTemplateData") or {}))
    if data.get("UserData"):
        data["UserData"] = parse_user_data(data["UserData"])
    return data


def _filters(ask: dict[str, Any]) -> dict[str, list[str]]:
    return {each["Name"]: list(each.get("Values") or ()) for each in ask.get("Filters") or ()}


def _fits(group: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    has = {"group-name": group["GroupName"], "state": group["State"], "strategy": group["Strategy"]}
    has |= {f"tag:{tag['Key']}": tag["Value"] for tag in group["Tags"]}
    return all(any(fnmatchcase(has.get(name, ""), value) for value in values) for name, values in filters.items())


def _unknown_group(name: str) -> Refusal:
    return Refusal("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")


def _put(have: list[Any], tags: list[Any]) -> list[Any]:
    new = {tag["Key"] for tag in tags}
    return [*(tag for tag in have if tag["Key"] not in new), *tags]


def _drop(have: list[Any], tags: list[Any]) -> list[Any]:
    """A tag that names a value goes only where it has that value."""
    return [tag for tag in have if not any(tag == {**tag, **one} for one in tags)]


def _template(each: Any) -> dict[str, Any]:
    return {
        "CreateTime": each.create_time,
        "CreatedBy": f"arn:{partition_of(each.ec2_backend.region_name)}:iam::{ACCOUNT}:root",
        "DefaultVersionNumber": each.default_version_number,
        "LatestVersionNumber": each.latest_version_number,
        "LaunchTemplateId": each.id,
        "LaunchTemplateName": each.name,
        "Tags": each.get_tags(),
    }


def _version(each: Any) -> dict[str, Any]:
    return {
        "CreateTime": each.create_time,
        "CreatedBy": f"arn:{partition_of(each.template.ec2_backend.region_name)}:iam::{ACCOUNT}:root",
        "DefaultVersion": each.template.is_default(each),
        "LaunchTemplateData": each.data,
        "LaunchTemplateId": each.template.id,
        "LaunchTemplateName": each.template.name,
        "VersionDescription": each.description,
        "VersionNumber": each.number,
    }
