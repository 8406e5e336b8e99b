"""Every condition of the operator's policy is needed, and none is void: laws over all configs and all phases.

`support.policy_law` says from AWS's own reference when a right is too wide; here every condition is dropped once, and
the law has to notice. And whatever a condition forbids, no other statement of the policy allows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import pytest
from support.configs import changed
from support.policies import ACCOUNT, BOUNDARY, KEY, KEYS, KINDS, LENT, SHAPES, access, needed, place, shape, written
from support.policy_law import UNTAGGED, WIDE, too_wide

from eksprov.aws.tags import STACK
from eksprov.local.aws.policy import allows
from eksprov.operations.commands.operator_policy import place_before as policy_place
from eksprov.permissions import PHASES, Need, Phase, Place, needs
from eksprov.permissions.checks import LOOK_UPS as RIGHTS_TO_LOOK
from eksprov.preflight.references import LOOK_UPS
from eksprov.steps.identity.access_entry import AccessEntry
from eksprov.steps.identity.node_access_entry import AUTO_POLICY, NodeAccessEntry

Entry = TypeVar("Entry", AccessEntry, NodeAccessEntry)
EVERY: dict[str, tuple[Phase, ...]] = {"": PHASES, **{phase: (phase,) for phase in PHASES}}


def stack(name: str) -> str:
    return shape(name).name


def complaints(name: str, need: Need) -> list[str]:
    return too_wide(need, stack(name), bounded=bool(place(name).permissions_boundary))


@pytest.mark.parametrize("name", SHAPES)
def test_no_right_is_wider_than_aws_makes_it(name: str) -> None:
    assert [found for need in needed(name) for found in complaints(name, need)] == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_condition_that_is_dropped_is_noticed(name: str) -> None:
    silent = []
    for need in needed(name):
        for index, entry in enumerate(need.condition):
            less = dataclasses.replace(need, condition=need.condition[:index] + need.condition[index + 1 :])
            if not complaints(name, less):
                silent.append((need.action, need.resources, entry))
    assert silent == []


def test_the_law_knows_no_exception_that_no_config_needs() -> None:
    actions = {need.action for name in SHAPES for need in needed(name)}
    assert {*WIDE, *UNTAGGED} <= actions


def told(need: Need) -> dict[str, str]:
    """A request that the need's conditions allow."""
    return {key.lower(): values[0] for _, key, values in need.condition}


def refusals(need: Need) -> Iterator[tuple[str, dict[str, str]]]:
    """Requests that break one of its conditions: the key is missing, or says something else."""
    for _, key, _ in need.condition:
        right = told(need)
        yield key, {other: value for other, value in right.items() if other != key.lower()}
        yield key, {**right, key.lower(): "something else"}


def statements(documents: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """For each action a policy of all statements that speak of it."""
    found: dict[str, list[Any]] = {}
    for one in (one for document in documents for one in document["Statement"]):
        for action in [one["Action"]] if isinstance(one["Action"], str) else one["Action"]:
            found.setdefault(action, []).append({**one, "Action": action})
    return {action: json.dumps({"Statement": each}) for action, each in found.items()}


@pytest.mark.parametrize("phase", EVERY)
@pytest.mark.parametrize("name", SHAPES)
def test_what_breaks_a_condition_is_denied_by_the_whole_policy(name: str, phase: str) -> None:
    mine = statements(written(name, *EVERY[phase]))
    for need in (need for need in needed(name, *EVERY[phase]) if need.condition):
        policy = mine[need.action]
        for resource in (resource.replace("*", "x") for resource in need.resources):
            assert allows([policy], need.action, resource, told(need))
            for key, context in refusals(need):
                assert not allows([policy], need.action, resource, context), (need.action, resource, key)


def test_roles_that_must_have_a_boundary_get_it_or_nothing() -> None:
    for name in ("bounded", "elsewhere"):
        bounded = {need.action for need in needed(name) if BOUNDARY in str(need.condition)}
        put_on = {"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
        assert bounded == put_on


def test_a_boundary_is_taken_off_only_where_the_config_says_so() -> None:
    off = {name for name in SHAPES for need in needed(name) if need.action == "iam:DeleteRolePermissionsBoundary"}
    assert off == {"unbounded"}


def test_roles_that_exist_are_named_whole_and_only_passed_on_or_read() -> None:
    theirs = [need for need in needed("existing roles") if set(need.resources) & set(LENT.values())]
    assert {need.action for need in theirs if access(need.action) not in ("Read", "List")} == {"iam:PassRole"}
    passed = {arn for need in theirs if need.action == "iam:PassRole" for arn in need.resources if "/corp/" in arn}
    assert passed == set(LENT.values())
    assert not [arn for need in needed("existing roles") for arn in need.resources if "/corp/" in arn and "*" in arn]


def test_keys_that_exist_are_named_whole() -> None:
    """What is asked of a key that the config names is asked of that one; the grant is AWS's to use."""
    theirs = {need.action: need for need in needed(KEYS) if need.action.startswith("kms:") and KEY in need.resources}
    assert theirs.keys() == {"kms:CreateGrant", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"}
    assert {need.resources for need in theirs.values()} == {(KEY,)}
    assert not {need.action for need in needed("quick start") if need.action in ("kms:GetKeyPolicy", "kms:ListGrants")
                and not need.condition}  # fmt: skip


def steps_of(name: str, kind: type[Entry]) -> list[Entry]:
    return [step for step in place(name).kinds.get(kind.kind, ()) if isinstance(step, kind)]


def test_nobody_lets_more_into_the_cluster_than_the_config_says() -> None:
    """Without the stack's tag only the entries of the nodes' roles can be made; nobody gets a policy of another's."""
    for name in SHAPES:
        made = [need for need in needed(name) if need.action == "eks:CreateAccessEntry"]
        tagged, nodes = ([need for need in made if (STACK in str(need.condition)) is ours] for ours in (True, False))
        assert len(tagged) == 1
        principals = {value for need in nodes for _, key, values in need.condition for value in values
                      if key == "eks:principalArn"}  # fmt: skip
        nodes_roles = {step.principal for step in steps_of(name, NodeAccessEntry)}
        assert principals == nodes_roles, name
        given = {policy for need in needed(name) if need.action == "eks:AssociateAccessPolicy"
                 for _, _, values in need.condition for policy in values}  # fmt: skip
        wanted = {policy for step in steps_of(name, AccessEntry) for policy, _ in step.policies}
        assert {arn.rsplit("/", 1)[-1] for arn in given} - {AUTO_POLICY} == wanted, name


def test_whatever_preflight_looks_up_has_its_rights() -> None:
    assert RIGHTS_TO_LOOK.keys() == {each.name for each in LOOK_UPS.values()}


NEIGHBOURS = {"of a longer name": {"name": "-prod"}, "in another region": {"region": "eu-west-1"}}


@pytest.mark.parametrize("where", NEIGHBOURS)
@pytest.mark.parametrize("name", SHAPES)
def test_what_changes_a_neighbour_is_denied(name: str, where: str) -> None:
    """All that the operator of a stack with a like name, or of the one of this name in another region, may change."""
    config, other = shape(name), dict(NEIGHBOURS[where])
    if "name" in other:
        other["name"] = f"{config.name[:20]}{other['name']}"
    theirs = policy_place(changed(config, **other), ACCOUNT, "aws")
    mine = statements(written(name))
    asked = [need for need in needs(theirs, PHASES, KINDS) if access(need.action) not in ("Read", "List")]
    reached = {
        (need.action, resource)
        for need in asked
        for resource in (resource.replace("*", "x") for resource in need.resources)
        if allows([mine.get(need.action, "{}")], need.action, resource, {**tags_of(theirs), **told(need)})
    }
    assert len(asked) > 100
    assert {(action, resource) for action, resource in reached if action not in SHARED[where]} <= LENT_TO_BOTH


LENT_TO_BOTH = {*(("iam:PassRole", arn) for arn in LENT.values()), ("kms:CreateGrant", KEY)}
# What they have in common: launching nodes, service-linked roles, a zone of Amazon's; Unsubscribe knows no resource.
SHARED = {
    "of a longer name": {
        "ec2:RunInstances",
        "iam:CreateServiceLinkedRole",
        "route53:AssociateVPCWithHostedZone",
        "sns:Unsubscribe",
    },
    "in another region": {"iam:CreateServiceLinkedRole", "route53:AssociateVPCWithHostedZone"},
}


def tags_of(place: Place) -> dict[str, str]:
    """What is a stack's bears its tag, and its calls go to its region."""
    return {f"aws:resourcetag/{STACK}": place.stack, "aws:requestedregion": place.region}
