"""Every request keeps to its service's model: the checker, the place where it listens, and configs at their limits.

All other tests are held too (`tests/conftest.py`); what a whole run of them saw is counted at its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws
from support.requests_held import EVENT, FLOOR, HELD, BreachError, Held, blind, together, wrong_on_purpose
from support.service_model import Breach, breaches, compiled
from support.services import SERVICES
from support.stage import EVERYTHING, Theatre, everything

from eksprov.aws.clients import Clients
from eksprov.config.check import check
from eksprov.config.schema import Config

SESSION = botocore.session.Session()


def shape(service: str, operation: str) -> Any:
    return SESSION.get_service_model(service).operation_model(operation).input_shape


def found(service: str, operation: str, **params: Any) -> list[tuple[str, str]]:
    return [(one.path, one.constraint) for one in breaches(shape(service, operation), params)]


RIGHT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an enum's value": ("eks", "CreateNodegroup", {"capacityType": "SPOT"}),
    "a pattern of a part would do": ("iam", "GetRole", {"RoleName": "a-role_1=2,3.4@5"}),
    "a letter beyond ASCII, where any is allowed": ("iam", "TagRole", {"Tags": [{"Key": "é", "Value": ""}]}),
    "a character beyond the first 65,536": ("autoscaling", "DescribePolicies", {"AutoScalingGroupName": "a𝄞"}),
    "a string's last length": ("iam", "GetRole", {"RoleName": "r" * 64}),
    "a list's last size": ("eks", "DescribeAddonVersions", {"maxResults": 100, "owners": []}),
    "a number's ends": ("sts", "AssumeRole", {"DurationSeconds": 43200}),
    "nothing at all": ("ec2", "DescribeVpcs", {}),
    "a member that botocore refuses by itself": ("iam", "GetRole", {"NoSuchMember": "x"}),
    "a wrong type, which botocore refuses by itself": ("iam", "GetRole", {"RoleName": 5}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_a_service_takes_is_no_breach(case: str) -> None:
    service, operation, params = RIGHT[case]
    assert found(service, operation, **params) == []


LABELS = {"labels": {"k" * 64: "v", "k": ""}}
WRONG: dict[str, tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = {
    "enum": ("eks", "CreateNodegroup", {"capacityType": "spot"}, [("capacityType", "enum")]),
    "enum in a list in a structure": (
        "eks",
        "CreateCluster",
        {"logging": {"clusterLogging": [{"types": ["api", "all"]}]}},
        [("logging.clusterLogging[0].types[1]", "enum")],
    ),
    "pattern, though a part matches": ("iam", "GetRole", {"RoleName": '"a-role"'}, [("RoleName", "pattern")]),
    "pattern without an end": ("eks", "CreateCluster", {"name": "a.b"}, [("name", "pattern")]),
    "pattern of ASCII": ("iam", "GetRole", {"RoleName": "rôle"}, [("RoleName", "pattern")]),
    "pattern of classes": ("iam", "TagRole", {"Tags": [{"Key": "a*", "Value": "b"}]}, [("Tags[0].Key", "pattern")]),
    "pattern, but for a new line at its end": ("iam", "GetRole", {"RoleName": "role\n"}, [("RoleName", "pattern")]),
    "pattern of pairs": (
        "autoscaling",
        "DescribePolicies",
        {"AutoScalingGroupName": "a\x01"},
        [("AutoScalingGroupName", "pattern")],
    ),
    "string too short": ("iam", "GetRole", {"RoleName": ""}, [("RoleName", "pattern"), ("RoleName", "min")]),
    "string too long": ("iam", "GetRole", {"RoleName": "r" * 65}, [("RoleName", "max")]),
    "list too long": ("ssm", "GetParameters", {"Names": [f"/{n}" for n in range(11)]}, [("Names", "max")]),
    "list too short": ("ssm", "GetParameters", {"Names": []}, [("Names", "min")]),
    "map's keys and values": (
        "eks",
        "CreateNodegroup",
        LABELS,
        [(f"labels[key '{'k' * 64}']", "max"), ("labels['k']", "min")],
    ),
    "map too large": ("eks", "CreateCluster", {"tags": {f"k{n}": "v" for n in range(51)}}, [("tags", "max")]),
    "number too large": ("sts", "AssumeRole", {"DurationSeconds": 43201}, [("DurationSeconds", "max")]),
    "number too small": ("eks", "ListClusters", {"maxResults": 0}, [("maxResults", "min")]),
    "bytes too long": ("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"x" * 4097}, [("Plaintext", "max")]),
    "several at once": (
        "iam",
        "CreateRole",
        {"RoleName": "a b", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 5},
        [("RoleName", "pattern"), ("MaxSessionDuration", "min")],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_service_refuses_is_a_breach_with_its_member_and_constraint(case: str) -> None:
    service, operation, params, want = WRONG[case]
    assert found(service, operation, **params) == want


def test_a_breach_says_where_what_and_against_which() -> None:
    assert str(Breach("Tags[0].Key", "max", 128, "k" * 300)).endswith("… (300 long) against max 128")
    assert str(Breach("", "enum", ("A",), "b")) == "the whole: 'b' against enum ('A',)"


def patterns() -> Iterator[tuple[str, str]]:
    """Every pattern of the services' requests, and whose it is."""
    for service in SERVICES:
        model = SESSION.get_service_model(service)
        for name in model.shape_names:
            if pattern := model.shape_for(name).metadata.get("pattern"):
                yield f"{service} {name}", pattern


def test_every_pattern_of_the_services_can_be_read_and_means_what_it_does_in_java() -> None:
    """None asks for letters of all scripts and, in the same breath, for `\\w`, which is ASCII's in Java alone."""
    every = dict(patterns())
    assert len(every) > 250
    assert [name for name, pattern in every.items() if compiled(pattern) is None] == []
    mixed = [name for name, pattern in every.items() if r"\p" in pattern and re.search(r"\\[wWdDsSbB]", pattern)]
    assert mixed == []


def test_the_services_models_do_hold_every_kind_of_constraint() -> None:
    """botocore keeps them in the shapes that it reads; were they to go, the law would hold of itself."""
    models = [SESSION.get_service_model(service) for service in SERVICES]
    shapes = [model.shape_for(name) for model in models for name in model.shape_names]
    for constraint, least in {"enum": 500, "pattern": 250, "min": 1000, "max": 1000}.items():
        assert sum(constraint in one.metadata for one in shapes) > least


@pytest.fixture
def listening() -> Iterator[tuple[Held, Any]]:
    """Ears of the test's own, on a session that all others hear too."""
    held = Held()
    session = boto3.Session("testing", "testing", region_name="us-west-2")
    session.events.register_last(EVENT, held.look)
    with mock_aws(), wrong_on_purpose():
        yield held, session


def test_a_breach_ends_the_call_whoever_catches_exceptions(listening: tuple[Held, Any]) -> None:
    held, session = listening
    iam = Clients(session, attempts=1).iam
    with pytest.raises(BreachError, match=r"iam GetRole: RoleName: 'no role' against pattern") as ended:
        iam.get_role(RoleName="no role")
    assert not isinstance(ended.value, Exception)
    assert held.found
    assert held.seen == {"iam GetRole": 1}
    with pytest.raises(BreachError):
        session.client("iam").get_role(RoleName="no role")
    assert held.seen == {"iam GetRole": 1}, "a test's own is held too, but not counted"


def test_what_is_wrong_on_purpose_reaches_the_service(listening: tuple[Held, Any]) -> None:
    held, session = listening
    iam = Clients(session, attempts=1).iam
    for excuse in (held.wrong_on_purpose(), held.wrong_on_purpose("GetRole")):
        with excuse, pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_role(RoleName="no role")
    assert held.found == []
    with pytest.raises(BreachError):
        iam.get_role(RoleName="no role")
    with held.wrong_on_purpose("GetUser"), pytest.raises(BreachError):
        iam.get_role(RoleName="no role")


def test_parameters_are_looked_at_as_botocore_has_filled_them_in(listening: tuple[Held, Any]) -> None:
    """What is encoded on the way is judged as it is sent: user data is base64 by then."""
    held, session = listening
    seen: list[str] = []
    session.events.register_last(EVENT, lambda params, **_: seen.append(params["UserData"]))
    ec2 = session.client("ec2")
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData="#!/bin/sh")
    assert seen == ["IyEvYmluL3No"]
    assert held.found == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_client_of_the_product_is_heard(service: str) -> None:
    """Whichever way its session was made, and those for calls that are not repeated too."""
    from eksprov.cli.places import keys_only_session

    for session in (boto3.Session("a", "b", region_name="us-west-2"), keys_only_session("us-west-2")):
        for attempts in (1, 5):
            emitter = Clients(session, attempts=attempts).get(service).meta.events
            handlers = emitter._emitter._handlers.prefix_search(f"{EVENT}.{service}.Any")
            assert HELD.look in handlers


def test_a_run_that_saw_less_than_it_should_is_told() -> None:
    enough = {f"s Op{number}": 1 for number in range(FLOOR)}
    assert blind(enough) == ""
    assert f"{FLOOR - 1} operations" in blind({name: 1 for name in enough if name != "s Op0"})
    assert together([enough, {"s Op0": 2}, {}])["s Op0"] == 3


LONG_TEXT = "é_./=+-@ :"  # of every kind of character that a tag may have


def at_its_limits(name: str) -> Config:
    """A config in which names, tags, labels, taints, groups and addresses are as long and as many as they may be."""
    data = everything(name).model_dump(mode="json", exclude_unset=True)
    most_tags = 30 if data.get("autoscaler") == "cluster-autoscaler" else 40  # the rest of 50 is its own
    data["name"] = f"{name}-{'n' * 28}"[:28]
    data["tags"] = {f"{(LONG_TEXT * 13)[:126]}{n:02}": (LONG_TEXT * 26)[:256] for n in range(most_tags)}
    for number, group in enumerate(data["node_groups"]):
        group["name"] = f"{group['name']}-{'g' * 28}"[:28]
        group["labels"] = {**group.get("labels", {}), f"{'a' * 50}.com/{'b' * 8}": "v" * 63}
        last = number == len(data["node_groups"]) - 1  # on which a controller must find room
        taint = {"value": "v" * 63, "effect": "PREFER_NO_SCHEDULE" if last else "NO_SCHEDULE"}
        many = 3 if data.get("autoscaler") == "cluster-autoscaler" else 45
        group["taints"] = [*group.get("taints", ()), *({"key": f"{n:02}{'t' * 61}", **taint} for n in range(many))]
        group["max_size"] = 450
    for pool in data.get("node_pools", ()):
        pool["name"] = f"{pool['name']}-{'p' * 28}"[:28]
    for entry in data.get("access", ()):
        entry["user_name"] = "u" * 256
        entry["kubernetes_groups"] = [f"{'g' * 98}{n:02}" for n in range(100)]
    cidrs = [f"198.51.{n}.0/24" for n in range(40)]
    data["cluster"] = {**data.get("cluster", {}), "public_access_cidrs": cidrs, "log_retention_days": 731}
    if "monitoring" in data:
        data["monitoring"]["alarm_emails"] = [f"{n:02}{'m' * 62}@{'d' * 240}.example" for n in range(20)]
    return Config.model_validate_json(json.dumps(data))


@pytest.mark.parametrize("name", EVERYTHING)
def test_whatever_a_config_may_say_its_services_take(theatre: Theatre, name: str) -> None:
    """A limit of a service that the config does not know would be met by the user half-way through."""
    config = at_its_limits(name)
    assert [problem for problem in check(config) if problem.level == "error"] == []
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        assert stage.teardown().ok
