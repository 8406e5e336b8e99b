"""The policy under other people's linters: what they find is what docs/security.md explains, no more and no less."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from support.policies import SHAPES, shape, written
from support.policy_linters import Finding, cloudsplaining_says, parliament_says

from eksprov.permissions import PHASES, Phase

DOCS = Path(__file__).parents[2] / "docs" / "security.md"
ROW = re.compile(
    r"^\| (?P<findings>(?:`(?:parliament|cloudsplaining) \w+`(?:, )?)+) \| (?P<subjects>`.*`) \| (?P<why>.+) \|$"
)
APART = ("everything", "karpenter")  # their phases are looked at one by one, too


@cache
def explained() -> frozenset[Finding]:
    """The table of the docs."""
    rows = [found for line in DOCS.read_text().splitlines() if (found := ROW.match(line))]
    return frozenset(
        (finding, subject.lower())
        for row in rows
        for finding in re.findall(r"`(.+?)`", row["findings"])
        for subject in re.findall(r"`(.+?)`", row["subjects"])
    )


@cache
def found(name: str, *phases: Phase) -> frozenset[Finding]:
    """What the linters say, in the words of the docs."""
    documents, bucket = written(name, *phases), f"arn:aws:s3:::{shape(name).name}-models-111122223333-us-west-2"
    said = parliament_says(documents) | cloudsplaining_says(documents)
    return frozenset((finding, subject.removesuffix(f" on {bucket}").lower()) for finding, subject in said)


@pytest.mark.parametrize("name", SHAPES)
def test_the_linters_find_nothing_that_is_not_explained(name: str) -> None:
    assert found(name) - explained() == set()


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", APART)
def test_nor_in_a_phase_of_its_own(name: str, phase: Phase) -> None:
    assert found(name, phase) - explained() == set()


def test_nothing_is_explained_that_no_linter_finds() -> None:
    every = {finding for name in SHAPES for finding in found(name)}
    every |= {finding for name in APART for phase in PHASES for finding in found(name, phase)}
    assert explained() - every == set()


def test_the_linters_are_awake() -> None:
    statement = {"Effect": "Allow", "Action": ["iam:*", "s3:PutObjcet"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    said = parliament_says([document]) | cloudsplaining_says([document])
    assert {"parliament UNKNOWN_ACTION", "cloudsplaining ServiceWildcard"} <= {finding for finding, _ in said}
