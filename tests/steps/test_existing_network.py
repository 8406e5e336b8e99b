"""A VPC that exists: examined before the first create, used, and left as it was found, to the last tag."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.account import run_of
from support.stage import STACK_ID, MemoryStore, Stage, Theatre

from eksprov import errors
from eksprov.config.check import check
from eksprov.config.schema import Config
from eksprov.core.converge import converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Owner
from eksprov.operations.plan import make_plan, offline_plan
from eksprov.steps.existing_subnet import ExistingSubnet
from eksprov.steps.existing_vpc import ExistingVpc

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str, text: str = "") -> Config:
    return Config.model_validate_json(
        json.dumps(yaml.safe_load(text or (EXAMPLES / name / "eksprov.yaml").read_text()))
    )


def prepare() -> Any:
    """The example's script, as a module."""
    spec = importlib.util.spec_from_file_location("prepare", EXAMPLES / "existing-vpc" / "prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Team:
    """An account in which a team has a VPC; `config` names it; `before` is the account as the team knows it."""

    stage: Stage
    config: Config
    ids: dict[str, Any]
    before: dict[str, list[str]]

    @property
    def ec2(self) -> Any:
        return self.stage.account.plain("ec2")

    def again(self) -> None:
        """The team has changed something; that is how it is now."""
        self.before = self.stage.world()


@pytest.fixture
def team(theatre: Theatre, tmp_path: Path) -> Iterator[Team]:
    with theatre.stage() as stage:
        script, ec2, copy = prepare(), stage.account.plain("ec2"), tmp_path / "eksprov.yaml"
        ids = script.make(ec2, stage.clock.sleep)
        copy.write_text((EXAMPLES / "existing-vpc" / "eksprov.yaml").read_text())
        script.write(ids, copy)
        config = example("", copy.read_text())
        stage.store = MemoryStore(config.name)
        yield Team(stage, config, ids, stage.world())


def test_the_example_makes_a_vpc_writes_its_ids_and_removes_it(team: Team) -> None:
    script = prepare()
    assert team.config.network.vpc_id == team.ids["vpc_id"]
    assert list(team.config.network.subnet_ids) == team.ids["subnet_ids"]
    assert list(team.config.network.public_subnet_ids) == team.ids["public_subnet_ids"]
    assert check(team.config) == []
    assert script.found(team.ec2) == team.ids
    script.delete(team.ec2, team.stage.clock.sleep)
    assert team.stage.world() == team.stage.baseline


def test_a_stack_lives_in_it_and_leaves_it_as_it_was(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    touched = team.ids["vpc_id"], *team.ids["subnet_ids"], *team.ids["public_subnet_ids"]
    ec2_calls = [call for call in stage.tape.mutating if call.service == "ec2"]
    assert not any(resource in str(call.params) for call in ec2_calls for resource in touched)
    assert all(item in stage.world()[kind] for kind, items in team.before.items() for item in items)
    cluster = stage.account.plain("eks").describe_cluster(name="existing-vpc")["cluster"]["resourcesVpcConfig"]
    assert cluster["vpcId"] == team.ids["vpc_id"]
    assert set(cluster["subnetIds"]) == set(touched[1:])
    group = stage.account.plain("eks").describe_nodegroup(clusterName="existing-vpc", nodegroupName="workers")
    assert sorted(group["nodegroup"]["subnets"]) == sorted(team.ids["subnet_ids"])
    now = stage.world()
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    assert stage.world() == now
    assert len(stage.tape.reads) <= 40
    result = stage.teardown(team.config)
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == team.before


def test_it_is_left_alone_also_when_the_state_is_lost(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    stage.store.forget()
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}
    stage.store.forget()
    assert stage.teardown(team.config).ok
    assert stage.world() == team.before


def test_the_plan_shows_it_as_there_and_never_as_something_to_delete(team: Team) -> None:
    stage = team.stage
    plan = make_plan(stage.opened(team.config))
    assert {line.change.action.value for line in plan.lines if line.kind.startswith("existing")} == {"none"}
    assert not any(line.problem for line in plan.lines)
    stage.provision(team.config)
    other = team.config.model_copy(update={"network": type(team.config.network)()})
    for shown in (make_plan(stage.opened(other)), offline_plan(other, stage.store)):
        assert not any(line.kind.startswith("existing") for line in shown.lines)


def test_subnets_may_fill_up_once_the_cluster_is_there(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    for subnet in stage.account.plain("ec2").describe_subnets(SubnetIds=team.ids["subnet_ids"])["Subnets"]:
        assert subnet["AvailableIpAddressCount"] > 0
    fill(team.ids["subnet_ids"][0])
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}


def fill(subnet_id: str, left: int = 3) -> None:
    """Nearly no address is free any more: the emulator's own count, so that no test makes thousands of interfaces."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends["123456789012"]["us-west-2"]
    subnet: Any = backend.get_subnet(subnet_id)
    taken = sum(interface.subnet.id == subnet_id for interface in backend.enis.values())
    subnet._available_ip_addresses = left + taken


def other_zone(team: Team) -> Config:
    """Both private subnets in one zone."""
    made = team.ec2.create_subnet(VpcId=team.ids["vpc_id"], CidrBlock="10.20.64.0/24", AvailabilityZone=zone(team))
    ids = (team.ids["subnet_ids"][0], made["Subnet"]["SubnetId"])
    return with_network(team, subnet_ids=ids, public_subnet_ids=())


def zone(team: Team) -> str:
    (subnet,) = team.ec2.describe_subnets(SubnetIds=team.ids["subnet_ids"][:1])["Subnets"]
    return str(subnet["AvailabilityZone"])


def with_network(team: Team, **more: Any) -> Config:
    return team.config.model_copy(update={"network": team.config.network.model_copy(update=more)})


def full(team: Team) -> Config:
    fill(team.ids["subnet_ids"][0])
    return team.config


def no_hostnames(team: Team) -> Config:
    team.ec2.modify_vpc_attribute(VpcId=team.ids["vpc_id"], EnableDnsHostnames={"Value": False})
    return team.config


def no_vpc(team: Team) -> Config:
    return with_network(team, vpc_id="vpc-00000000")


def no_subnet(team: Team) -> Config:
    return with_network(team, subnet_ids=(team.ids["subnet_ids"][0], "subnet-0badbadbadbadbad0"))


def foreign_subnet(team: Team) -> Config:
    vpc = team.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    made = team.ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24")["Subnet"]["SubnetId"]
    return with_network(team, subnet_ids=(team.ids["subnet_ids"][0], made))


def no_way_out(team: Team) -> Config:
    for table in team.ec2.describe_route_tables()["RouteTables"]:
        if any(route.get("NatGatewayId") for route in table["Routes"]):
            team.ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    return team.config


def overlapping(team: Team) -> Config:
    cluster = team.config.cluster.model_copy(update={"service_ipv4_cidr": "10.20.0.0/16"})
    return team.config.model_copy(update={"cluster": cluster})


def excluded(team: Team) -> Config:
    (subnet,) = team.ec2.describe_subnets(SubnetIds=team.ids["subnet_ids"][:1])["Subnets"]
    return with_network(team, exclude_zone_ids=(subnet["AvailabilityZoneId"],))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_zone, "private subnets are in 1 zone"),
        (full, "3 free addresses, EKS needs 6"),
        (no_hostnames, "DNS hostnames"),
        (no_vpc, "no VPC vpc-00000000"),
        (no_subnet, "no subnet subnet-0badbadbadbadbad0"),
        (foreign_subnet, "no subnet subnet-"),
        (no_way_out, "no endpoint for ec2, ecr.api"),
        (overlapping, "overlaps cluster.service_ipv4_cidr"),
        (excluded, "network.exclude_zone_ids names"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_eks_would_refuse_is_said_before_anything_is_made(
    team: Team, spoil: Callable[[Team], Config], said: str
) -> None:
    config = spoil(team)
    team.again()
    for command in (team.stage.provision, lambda wanted: make_plan(team.stage.opened(wanted, mint=False))):
        with pytest.raises(errors.UsageError, match=said):
            command(config)
    assert team.stage.tape.mutating == []
    assert team.stage.world() == team.before
    assert team.stage.store.load() is None


def test_endpoints_are_a_way_out_too(team: Team) -> None:
    config = no_way_out(team)
    for service in ("ec2", "ecr.api", "ecr.dkr", "eks-auth", "s3"):
        kind = {"VpcEndpointType": "Interface", "SubnetIds": team.ids["subnet_ids"]}
        name = f"com.amazonaws.us-west-2.{service}"
        more = {"VpcEndpointType": "Gateway"} if service == "s3" else kind
        team.ec2.create_vpc_endpoint(VpcId=team.ids["vpc_id"], ServiceName=name, **more)
    team.stage.clock.sleep(100)
    assert team.stage.opened(config).choices.notes == ()


def test_what_is_merely_unwise_is_a_note(team: Team) -> None:
    first, second = team.ids["subnet_ids"]
    team.ec2.delete_tags(Resources=[first], Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    fill(second, 9)
    notes = team.stage.opened(team.config).choices.notes
    assert any(first in note and "internal-elb" in note for note in notes)
    assert any(second in note and "9 free addresses" in note for note in notes)
    assert len(notes) == 2


def test_what_breaks_later_fails_its_step_and_does_not_hinder_a_teardown(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    no_hostnames(team)
    failed = [outcome for outcome in stage.provision(team.config).outcomes if outcome.status is Status.FAILED]
    assert [outcome.name for outcome in failed] == ["existing-vpc"]
    assert "DNS hostnames" in failed[0].message
    assert stage.tape.mutating == []
    assert stage.teardown(team.config).ok


def test_only_what_the_stacks_own_cni_left_behind_is_taken_out(team: Team) -> None:
    stage, subnet = team.stage, team.ids["subnet_ids"][0]
    theirs = team.ec2.create_network_interface(SubnetId=subnet, Description="theirs")
    team.again()
    tags = [
        {"Key": "cluster.k8s.amazonaws.com/name", "Value": "existing-vpc"},
        {"Key": "eks:eni:owner", "Value": "amazon-vpc-cni"},
    ]
    team.ec2.create_network_interface(
        SubnetId=subnet, TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}]
    )
    assert stage.world() != team.before
    aws = stage.aws(Owner("existing-vpc", STACK_ID))
    outcome = remove(ExistingSubnet(name="existing-subnet/private-1", slug=subnet), aws, run_of(aws))
    assert outcome.status is Status.ABSENT
    assert stage.world() == team.before
    assert theirs["NetworkInterface"]["Status"] in ("available", "pending")


def test_a_subnet_of_another_vpc_or_a_closed_zone_is_refused_by_its_step(team: Team) -> None:
    aws, subnet = team.stage.aws(Owner("existing-vpc", STACK_ID)), team.ids["subnet_ids"][0]
    step = ExistingSubnet(name="s", slug=subnet)
    found: Any = step.discover(aws)
    assert step.phase(found).state.value == "ready"
    assert "not in vpc-other" in ExistingSubnet(name="s", slug=subnet, vpc_id="vpc-other").phase(found).message
    assert "use1-az3" in step.phase(replace(found, zone_id="use1-az3")).message


def test_neither_kind_is_ever_made_or_surveyed(team: Team) -> None:
    aws = team.stage.aws(Owner("existing-vpc", STACK_ID))
    for step in (ExistingVpc(name="v", slug="vpc-00000000"), ExistingSubnet(name="s", slug="subnet-00000000")):
        with pytest.raises(errors.ProvisioningError, match="does not exist"):
            converge(step, aws, Outputs(), run_of(aws))
        with pytest.raises(NotImplementedError):
            step.create(aws, step.desired(Outputs()), "t")
        assert list(type(step).survey(aws, "existing-vpc")) == []


def test_a_stack_does_not_move_from_its_own_vpc_into_another(team: Team) -> None:
    """The cluster cannot follow, so nothing does; what was made before is still known, and goes at the teardown."""
    stage = team.stage
    own = team.config.model_copy(update={"network": type(team.config.network)()})
    assert stage.provision(own).ok
    before = stage.world()
    outcomes = {outcome.name: outcome for outcome in stage.provision(team.config).outcomes}
    assert "vpc_id" in outcomes["cluster"].message
    assert stage.tape.mutating == []
    assert stage.world() == before
    assert stage.teardown(team.config).ok
    assert stage.world() == team.before


def test_the_private_only_example_is_made_kept_and_undone(theatre: Theatre) -> None:
    config = example("private-only")
    assert [problem for problem in check(config) if problem.level == "error"] == []
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        assert not any(stage.grown()[kind] for kind in ("nat-gateway", "internet-gateway", "address"))
        cluster = stage.account.plain("eks").describe_cluster(name="private-only")["cluster"]["resourcesVpcConfig"]
        assert (cluster["endpointPublicAccess"], cluster["endpointPrivateAccess"]) == (False, True)
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        result = stage.teardown()
        assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
        assert stage.world() == stage.baseline
