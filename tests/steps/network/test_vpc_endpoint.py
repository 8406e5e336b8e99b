"""Endpoints and their group: a private-only network is made, kept, repaired and undone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from support.account import run_of
from support.configs import example
from support.stage import STACK_ID, Stage, Theatre

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.config.check import check
from eksprov.config.schema import Config, Network
from eksprov.config.schema.network import USUAL_ENDPOINTS
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.executor import order
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import nodes, removal_nodes
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.local.faults.buckets import SPECIAL
from eksprov.steps.catalog.network import ENDPOINTS_AT_ONCE, network, ways_out
from eksprov.steps.network.vpc_endpoint import GATEWAY_SERVICES, full_names, short_name
from eksprov.steps.settled import Settled, Zone

US = Owner("demo", STACK_ID)
CONFIG = Config(name="demo", network=Network(nat_gateways="none", private_endpoints=True))
ZONES = (Zone("us-west-2a", "usw2-az1"), Zone("us-west-2b", "usw2-az2"))
CHOICES = Settled("123456789012", "aws", "us-west-2", "1.36", "1.36", ZONES, "")
GROUP, ECR, S3 = "security-group/endpoints", "vpc-endpoint/ecr.api", "vpc-endpoint/s3"


class Net:
    """The network of a private-only stack on a new account."""

    def __init__(self, stage: Stage, config: Config = CONFIG) -> None:
        self.stage, self.ec2 = stage, stage.account.plain("ec2")
        self.steps: dict[str, AnyStep] = {step.name: step for step in network(config, CHOICES)}

    def aws(self) -> Aws:
        return self.stage.aws(US)

    def make(self, config: Config = CONFIG) -> dict[str, Outcome]:
        steps = {step.name: step for step in network(config, CHOICES)}
        self.stage.tape.rewind()
        aws, outputs, outcomes = self.aws(), Outputs(), {}
        for name in order(nodes(tuple(steps.values()))):
            outcomes[name] = converge(steps[name], outputs, run_of(aws))
            outputs.put(name, outcomes[name].outputs)
        return outcomes

    def changed(self, config: Config = CONFIG) -> dict[str, Status]:
        return {name: o.status for name, o in self.make(config).items() if o.status is not Status.UNCHANGED}

    def endpoint(self, name: str) -> Any:
        found = self.ec2.describe_vpc_endpoints(Filters=[{"Name": "tag:eksprov:step", "Values": [name]}])
        (one,) = found["VpcEndpoints"]
        return one

    def group(self) -> Any:
        found = self.ec2.describe_security_groups(Filters=[{"Name": "tag:eksprov:step", "Values": [GROUP]}])
        (one,) = found["SecurityGroups"]
        return one


@pytest.fixture
def net(theatre: Theatre) -> Iterator[Net]:
    with theatre.stage() as stage:
        yield Net(stage)


def test_nodes_get_every_service_they_need_and_no_way_to_the_internet(net: Net) -> None:
    outcomes = net.make()
    assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
    vpc = outcomes["vpc"].outputs["id"]
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    there = {e["ServiceName"]: e for e in net.ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"]}
    assert set(there) == {f"com.amazonaws.us-west-2.{service}" for service in USUAL_ENDPOINTS}
    private = {outcomes[f"subnet/private-{n}"].outputs["id"] for n in (1, 2)}
    for name, endpoint in there.items():
        if short_name(name, "us-west-2") in GATEWAY_SERVICES:
            assert len(endpoint["RouteTableIds"]) == 2
            continue
        assert (set(endpoint["SubnetIds"]), endpoint["PrivateDnsEnabled"]) == (private, True)
        assert [group["GroupId"] for group in endpoint["Groups"]] == [outcomes[GROUP].outputs["id"]]
    (rule,) = net.group()["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert [source["CidrIp"] for source in rule["IpRanges"]] == ["10.0.0.0/16"]
    assert {s["SubnetId"] for s in net.ec2.describe_subnets(Filters=here)["Subnets"]} == private
    assert net.ec2.describe_internet_gateways()["InternetGateways"] == []
    for table in net.ec2.describe_route_tables(Filters=here)["RouteTables"]:
        assert all(route.get("DestinationCidrBlock") != "0.0.0.0/0" for route in table["Routes"])


def test_every_create_carries_a_token_and_a_second_run_only_reads(net: Net) -> None:
    net.make()
    creates = [call for call in net.stage.tape.mutating if call.operation == "CreateVpcEndpoint"]
    tokens = [call.params["ClientToken"] for call in creates]
    assert len(set(tokens)) == len(USUAL_ENDPOINTS)
    assert {len(token) for token in tokens} == {64}
    assert net.changed() == {}
    assert net.stage.tape.mutating == []
    assert len(net.stage.tape.reads) == 7  # one listing a kind, and the two attributes of the VPC


def test_no_more_endpoints_are_asked_for_at_once_than_aws_takes(net: Net) -> None:
    """In the graph of either direction no more than four of them can be on their way together."""
    assert SPECIAL["CreateVpcEndpoint"][0] == SPECIAL["DeleteVpcEndpoints"][0] == ENDPOINTS_AT_ONCE
    names = [name for name, step in net.steps.items() if step.kind == "vpc-endpoint"]
    for graph in (nodes(tuple(net.steps.values())), removal_nodes(tuple(net.steps.values()))):
        needs = {node.name: set(node.needs) for node in graph}

        def behind(name: str, needs: dict[str, set[str]] = needs) -> set[str]:
            return needs[name].union(*(behind(need, needs) for need in needs[name]))

        for lane in range(ENDPOINTS_AT_ONCE):
            mine = names[lane::ENDPOINTS_AT_ONCE]
            assert all(one in behind(two) or two in behind(one) for one, two in pairwise(mine))


def test_what_somebody_changed_is_put_back(net: Net) -> None:
    outcomes = net.make()
    before = net.stage.world()
    endpoint, gateway, group = net.endpoint(ECR), net.endpoint(S3), net.group()
    subnet, table = outcomes["subnet/private-2"].outputs["id"], outcomes["route-table/private-2"].outputs["id"]
    other = net.ec2.create_security_group(GroupName="o", Description="o", VpcId=endpoint["VpcId"])["GroupId"]
    net.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveSubnetIds=[subnet], AddSecurityGroupIds=[other],
        PrivateDnsEnabled=False,
    )  # fmt: skip
    net.ec2.modify_vpc_endpoint(VpcEndpointId=gateway["VpcEndpointId"], RemoveRouteTableIds=[table])
    wide = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    net.ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[wide])
    net.ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    assert net.changed() == {GROUP: Status.UPDATED, ECR: Status.UPDATED, S3: Status.UPDATED}
    net.ec2.delete_security_group(GroupId=other)
    assert net.stage.world() == before


def test_one_that_was_deleted_is_made_again(net: Net) -> None:
    net.make()
    net.ec2.delete_vpc_endpoints(VpcEndpointIds=[net.endpoint(ECR)["VpcEndpointId"]])
    assert net.changed() == {ECR: Status.CREATED}
    assert net.endpoint(ECR)["State"] == "available"


def test_it_is_all_undone(net: Net) -> None:
    baseline = net.stage.world()
    net.make()
    aws = net.aws()
    removed = {name: remove(net.steps[name], run_of(aws)) for name in order(removal_nodes(tuple(net.steps.values())))}
    assert {outcome.status for outcome in removed.values()} == {Status.DELETED}
    assert net.stage.world() == baseline
    again = {name: remove(step, run_of(aws)).status for name, step in net.steps.items()}
    assert set(again.values()) == {Status.ABSENT}


def test_what_is_ours_by_tag_is_found_and_what_is_not_is_refused(net: Net) -> None:
    net.make()
    for name in (GROUP, ECR):
        step = net.steps[name]
        assert name in {s.owner.step for s in type(step).list_owned(net.aws(), "demo")}
        step_found = type(step).from_record(name, step.slug)
        assert step_found.discover(net.aws()) is not None
        theirs = net.stage.aws(Owner("demo", "0ther1ncarnat10n"))
        before = net.stage.world()
        with pytest.raises(errors.OwnershipError):
            remove(step_found, run_of(theirs))
        assert net.stage.world() == before


def test_a_group_of_our_name_that_is_not_ours_is_left_alone(net: Net) -> None:
    aws, outputs = net.aws(), Outputs()
    outputs.put("vpc", converge(net.steps["vpc"], outputs, run_of(aws)).outputs)
    vpc = outputs.get("vpc", "id")
    net.ec2.create_security_group(GroupName="demo-endpoints", Description="theirs", VpcId=vpc)
    before = net.stage.world()
    with pytest.raises(errors.OwnershipError, match="demo-endpoints"):
        converge(net.steps[GROUP], outputs, run_of(aws))
    assert net.stage.world() == before


def test_a_group_whose_answer_was_lost_is_found_by_its_name(net: Net) -> None:
    aws, outputs = net.aws(), Outputs()
    outputs.put("vpc", converge(net.steps["vpc"], outputs, run_of(aws)).outputs)
    want = net.steps[GROUP].desired(outputs)
    first = net.steps[GROUP].create(aws, want, "t")
    assert net.steps[GROUP].create(aws, want, "t") == first
    assert len(net.group()["IpPermissions"]) == 1


def test_a_service_that_the_region_does_not_have_is_named(net: Net) -> None:
    config = Config(name="demo", network=Network(endpoints=("blimps",)))
    with pytest.raises(errors.ProvisioningError, match="'blimps' in us-west-2"):
        net.make(config)


def test_names_of_services_in_china_may_begin_with_cn() -> None:
    names = full_names("cn-north-1", "ecr.api")
    assert names == ("com.amazonaws.cn-north-1.ecr.api", "cn.com.amazonaws.cn-north-1.ecr.api")
    assert {short_name(name, "cn-north-1") for name in names} == {"ecr.api"}
    assert full_names("us-west-2", "ecr.api") == ("com.amazonaws.us-west-2.ecr.api",)


def test_a_refusal_inside_a_successful_answer_is_one(net: Net) -> None:
    net.make()
    step, aws = net.steps[ECR], net.aws()
    have = step.discover(aws)
    step.delete(aws, have)  # once
    gone = {"ResourceId": "x", "Error": {"Code": "OperationNotPermitted", "Message": "no"}}

    class Ec2:
        def delete_vpc_endpoints(self, **_: Any) -> Any:
            return {"Unsuccessful": [gone]}

    class Clients:
        ec2 = Ec2()

    class Stub:
        clients = Clients()

    with pytest.raises(errors.ProvisioningError, match="OperationNotPermitted"):
        step.delete(Stub(), have)


def test_a_nat_gateway_can_be_given_up_for_endpoints(net: Net) -> None:
    """The tables lose their default routes; what is no longer wanted is then an orphan for provision to remove."""
    net.make(Config(name="demo"))
    changed = net.changed()
    assert {changed[f"route-table/private-{n}"] for n in (1, 2)} == {Status.UPDATED}
    for table in net.ec2.describe_route_tables()["RouteTables"]:
        tags = {tag["Key"]: tag["Value"] for tag in table.get("Tags", [])}
        if tags.get("eksprov:step", "").startswith("route-table/private"):
            assert all(route.get("DestinationCidrBlock") != "0.0.0.0/0" for route in table["Routes"])


def test_nodes_wait_for_their_ways_out() -> None:
    assert ways_out(CONFIG, CHOICES) == (
        "route-table/private-1", "route-table/private-2", *(f"vpc-endpoint/{s}" for s in USUAL_ENDPOINTS),
    )  # fmt: skip
    usual = ("route-table/public", "route-table/private-1", "route-table/private-2")
    assert ways_out(Config(name="demo"), CHOICES) == usual


def test_the_private_only_example_is_made_kept_and_undone(theatre: Theatre) -> None:
    config = example("private-only")
    assert [problem for problem in check(config) if problem.level == "error"] == []
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        assert not any(stage.grown()[kind] for kind in ("nat-gateway", "internet-gateway", "elastic-ip"))
        cluster = stage.account.plain("eks").describe_cluster(name="private-only")["cluster"]["resourcesVpcConfig"]
        assert (cluster["endpointPublicAccess"], cluster["endpointPrivateAccess"]) == (False, True)
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        result = stage.teardown()
        assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
        assert stage.world() == stage.baseline
