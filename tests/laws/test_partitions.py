"""GovCloud, China and the European Sovereign Cloud: the same stack, with everything as its partition names it.

The local world plays every partition. What the account holds is read with plain clients; the source is read as text.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore.session import Session
from support.stage import Stage, Theatre, everything, quick_start

import eksprov
from eksprov.config.load import load
from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.errors import ConfigError
from eksprov.operations.commands.plan import make_plan

WHERE = {"us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn", "eusc-de-east-1": "aws-eusc"}
EC2 = {"aws-cn": "ec2.amazonaws.com.cn"}
WITHOUT_METRICS = {"aws-us-gov", "aws-cn"}
STACKS = (
    ("us-gov-west-1", "quick-start"),
    ("us-gov-west-1", "everything"),
    ("cn-north-1", "everything"),
    ("cn-north-1", "karpenter"),
    ("eusc-de-east-1", "karpenter"),
)


def moved(config: Config, region: str) -> Config:
    """The same config in another region, whatever it names of its partition with it."""
    text = config.model_dump_json(exclude_unset=True)
    for name, value in (("us-west-2", region), ("arn:aws:", f"arn:{WHERE[region]}:")):
        text = text.replace(name, value)
    data = json.loads(text)
    data["region"] = region
    data["network"] = {**data.get("network", {}), "availability_zones": 2}
    for group in data.get("node_groups", []):  # zones by id are another region's
        group.pop("capacity_reservation_id", None)
        group["fallbacks"] = [one for one in group.get("fallbacks", []) if "zone_ids" not in one]
    return Config.model_validate_json(json.dumps(data))


@cache
def theatre_in(region: str) -> Theatre:
    return Theatre(region)


@pytest.fixture(params=sorted(WHERE))
def theatre(request: pytest.FixtureRequest) -> Theatre:
    return theatre_in(request.param)


@pytest.fixture(params=STACKS, ids="-".join)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    region, name = request.param
    config = quick_start() if name == "quick-start" else everything(name)
    with theatre_in(region).stage(moved(config, region)) as stage:
        yield stage


def trusted(stage: Stage) -> set[str]:
    """Whom the roles of nodes trust."""
    roles = stage.account.plain("iam").list_roles(PathPrefix="/eksprov/")["Roles"]
    documents = [r["AssumeRolePolicyDocument"] for r in roles if r["RoleName"].endswith("-node")]
    statements = [one["Statement"] for one in documents]
    only = [one[0] if isinstance(one, list) else one for one in statements]
    return {str(one["Principal"]["Service"]) for one in only}


def test_a_stack_is_planned_made_and_unmade_in_its_partition_alone(stage: Stage) -> None:
    region, partition = stage.config.region, WHERE[stage.config.region]
    plan = make_plan(stage.opened())
    assert not [line for line in plan.lines if line.problem], plan.lines
    report = stage.provision()
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
    made = json.dumps({kind: items for kind, items in stage.grown().items() if kind != "log-group"})
    assert set(re.findall(r"arn:(aws[a-z-]*):", made)) == {partition}
    recorded = json.dumps([record.outputs for record in report.state.steps.values()])
    assert set(re.findall(r"arn:(aws[a-z-]*):", recorded)) == {partition}
    sent = json.dumps([call.params for call in stage.tape.mutating], default=str)
    assert set(re.findall(r"arn:(aws[a-z-]*):", sent)) == {partition}
    assert trusted(stage) == {EC2.get(partition, "ec2.amazonaws.com")}
    again = stage.provision()
    assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
    gone = stage.teardown()
    assert gone.ok, [(o.name, o.message) for o in gone.report.outcomes if not o.good]
    assert not {kind: items for kind, items in stage.grown().items() if items}
    assert region in recorded


def test_an_addon_that_the_partition_lacks_is_left_out_and_said(theatre: Theatre) -> None:
    partition = WHERE[theatre.region]
    with theatre.stage(moved(quick_start(), theatre.region)) as stage:
        plan = make_plan(stage.opened())
        assert stage.provision().ok
        eks = stage.account.plain("eks")
        there = eks.list_addons(clusterName=stage.config.name)["addons"]
        assert ("metrics-server" in there) == (partition not in WITHOUT_METRICS)
        told = [note for note in plan.notes if "metrics-server" in note and theatre.region in note]
        assert bool(told) == (partition in WITHOUT_METRICS)
        stage.tape.rewind()
        stage.opened()
        assert [c for c in stage.tape.calls if c.operation == "DescribeAddonVersions"] == []  # settled once


def test_an_addon_that_is_asked_for_and_lacking_is_refused_before_anything_is_made(theatre: Theatre) -> None:
    config = moved(quick_start(), theatre.region)
    data = {**config.model_dump(mode="json", exclude_unset=True), "addons": [{"name": "metrics-server"}]}
    with theatre.stage(Config.model_validate_json(json.dumps(data))) as stage:
        if WHERE[theatre.region] not in WITHOUT_METRICS:
            assert stage.provision().ok
            return
        for act in (stage.provision, lambda: make_plan(stage.opened())):
            with pytest.raises(ConfigError) as caught:
                act()
            assert "addons[0].name" in str(caught.value)
            assert stage.tape.mutating == []
        assert not {kind: items for kind, items in stage.grown().items() if items}


def test_every_region_that_botocore_knows_is_a_region(tmp_path: Path) -> None:
    session = Session()
    regions = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("eks", partition)
    }
    assert {*WHERE, "us-west-2"} <= regions
    for region in sorted(regions):
        file = tmp_path / "eksprov.yaml"
        file.write_text(f"name: demo\nregion: {region}\n")
        assert load(file).region == region


# Where the text of an ARN or of a host is right as it stands, and why.
ALLOWED = {
    "eksprov/config/schema/base.py": "patterns that take every partition; examples in what is told of a wrong value",
    "eksprov/config/template.py": "an example in the file that `init` writes",
    "eksprov/local/aws/iam/response.py": "what the names of principals end in, by partition",
    "eksprov/local/aws/server.py": "moto tells services by this suffix, whatever the partition",
}
HAND_MADE = re.compile(r"arn:aws(?![a-z\[-])|\.amazonaws\.(?:com|eu)")
# Labels, taints and API groups of Kubernetes, tags, names of endpoint services and the paths of service-linked roles
# are the same text in every partition.
NO_HOST = re.compile(
    r"(?:^|[^a-z0-9.-])(?:[a-z0-9-]+\.)*(?:eks|k8s|crd\.k8s|cluster\.k8s|compute|node\.k8s|vpc)\.amazonaws\.com(?:/|$|\W)"
    r"|com\.amazonaws\.|(?:^|:)role/aws-service-role/[a-z0-9.-]+\.amazonaws\.com"
)
# A service that a trust, a policy or a service-linked role names ends so in every partition but for EC2 in some
# (the European cloud refuses amazonaws.eu).
PRINCIPAL = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")


def literals() -> Iterator[tuple[str, int, str]]:
    """Every text in the code that is no docstring: file, line, text; of f-strings the parts that are written out."""
    root = Path(eksprov.__file__).parent
    for file in sorted(root.rglob("*.py")):
        tree = ast.parse(file.read_text())
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield str(file.relative_to(root.parent)), node.lineno, node.value


def test_no_arn_and_no_host_of_one_partition_is_written_by_hand() -> None:
    found, excused = [], set()
    for file, line, text in literals():
        rest = NO_HOST.sub("", text)
        if not HAND_MADE.search(rest) or PRINCIPAL.fullmatch(rest):
            continue
        excused.add(file)
        if file not in ALLOWED:
            found.append(f"{file}:{line}: {text}")
    assert found == []
    assert excused == set(ALLOWED)  # no excuse outlives its reason
