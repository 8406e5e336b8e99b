"""Which keys have to agree: all pairs of keys of the sections that shape a stack, walked whole.

Each key has values here that are right by themselves (`VALUES`). For every pair of keys and values the rules are asked:
a finding that neither value brings alone is an agreement between the two. `AGREE` names every such pair, and why; all
others are independent of each other. So a rule that is written for one key and not for its sibling shows as a pair that
is missing here, and a key without values, or a pair that no value ever breaks, fails.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

from support.pairs import AGREE, BOUND, MODEL_ROLE, ROLES, SECTIONS, TOP, VALUES, C, G, M, N, P

from eksprov.config.check import check
from eksprov.config.schema import Config


def keys_of(section: str) -> list[str]:
    """The keys of a section, of its first item where it is a list."""
    return [f"{section}.{name}" for name in SECTIONS[section].model_fields]


def config_of(**said: Any) -> Config:
    """A config with one node group in which these keys are said."""
    data: dict[str, Any] = {"name": "demo", "node_groups": [{"name": "cpu", "instance_types": ["m7i.large"]}]}
    items = {"node_pools": {"name": "pool"}, "models": {"name": "m", "path": "m"}}
    for key, value in said.items():
        section, _, name = key.partition(".")
        if not name:
            data[section] = value
        elif section == "node_groups":
            data[section][0][name] = value
        elif section in items:
            data.setdefault(section, [items[section]])[0][name] = value
        else:
            data.setdefault(section, {})[name] = value
    return Config.model_validate_json(json.dumps(data))


# What else is said while a pair is tried: some rules only hold then.
CONTEXTS: tuple[tuple[tuple[str, int], ...], ...] = (
    (),
    *((("autoscaler", number),) for number in range(3)),
    (("network.vpc_id", 0),),
    (("network.nat_gateways", 0),),
    (("cluster.endpoint_public_access", 0),),
    (("autoscaler", 1), ("models.name", 0)),
)


@cache
def found(*said: tuple[str, int]) -> frozenset[tuple[str, str]]:
    """Place and level of every finding where the keys have the values of these numbers."""
    config = config_of(**{key: VALUES[key][number] for key, number in said})
    return frozenset((problem.path, problem.level) for problem in check(config))


def agreeing() -> dict[frozenset[str], set[str]]:
    """Every pair of keys of which one has a say in what is found of the other, and where."""
    pairs: dict[frozenset[str], set[str]] = {}
    for context, (one, two) in itertools.product(CONTEXTS, itertools.combinations(VALUES, 2)):
        if {one, two} & {key for key, _ in context}:
            continue
        for i, j in itertools.product(range(len(VALUES[one])), range(len(VALUES[two]))):
            alone, other = found(*context, (one, i)), found(*context, (two, j))
            both, without = found(*context, (one, i), (two, j)), found(*context)
            # What was found before stays unless either cures it; what was not comes with either.
            apart = (without & alone & other) | ((alone | other) - without)
            if apart != both:
                pairs.setdefault(frozenset((one, two)), set()).update(path for path, _ in apart ^ both)
    return pairs


def test_every_key_has_values_that_are_tried() -> None:
    assert {key for section in SECTIONS for key in keys_of(section)} | set(TOP) == set(VALUES)
    assert all(VALUES.values())


def test_the_pairs_that_must_agree_are_those_of_the_table_and_no_others() -> None:
    seen = agreeing()
    missing = {tuple(sorted(pair)): sorted(where) for pair, where in seen.items() if pair not in AGREE}
    assert not missing, "say in AGREE why they must agree, or what the rule is for"
    unruled = sorted(tuple(sorted(pair)) for pair in AGREE.keys() - seen.keys())
    assert not unruled, "no value breaks them: give VALUES one, or write the rule"


def test_every_key_that_has_siblings_keeps_their_rule() -> None:
    """Keys of one sort: what one of them must agree with, the others must, too."""
    pairs = agreeing()
    for sort, other in (
        ((C + "kms_key", G + "disk_kms_key_arn", M + "alarm_topic_arn", ROLES, BOUND, MODEL_ROLE), "region"),
        ((BOUND, MODEL_ROLE), ROLES),
        ((G + "zone_ids", G + "fallbacks", P + "zone_ids"), N + "exclude_zone_ids"),
        ((G + "ami_family", G + "ami_type"), G + "local_storage"),
        ((G + "ami_family", G + "ami_type"), G + "warm_pool"),
        ((G + "ami_family", G + "ami_type"), G + "release_version"),
        ((N + "nat_gateways", C + "public_access_cidrs"), C + "endpoint_private_access"),
        ((G + "efa", G + "placement_group"), G + "fallbacks"),
    ):
        assert all(frozenset((key, other)) in pairs for key in sort), (sort, other)
