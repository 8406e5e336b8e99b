"""What failed is made anew, and steps side by side do what they do one by one, in the time of the longest chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from moto.ec2.models import ec2_backends
from support.clock import ParallelTime
from support.stage import Stage, Theatre

from eksprov.core.executor import Node, Walk
from eksprov.core.outcome import Outcome, Status
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.stack import open_stack


def fail_nat_gateway(stage: Stage) -> None:
    """As EC2 does when it cannot make one: it keeps the gateway for an hour, lets go of address and interface."""
    backend = ec2_backends["123456789012"]["us-west-2"]
    gateway: Any
    (gateway,) = backend.nat_gateways.values()  # moto's, which knows of no failure
    gateway.state, gateway.failure_code, gateway.failure_message = "failed", "InternalError", "no capacity"
    address = gateway.address_set[0]
    stage.account.plain("ec2").disassociate_address(AssociationId=address["associationId"])
    backend.enis.pop(address["networkInterfaceId"])


def test_a_nat_gateway_that_failed_is_made_again(stage: Stage) -> None:
    """Its token is still remembered by AWS, which would answer with the failed one."""
    stage.provision()
    right = stage.world()
    ec2 = stage.account.plain("ec2")
    gateway = ec2.describe_nat_gateways()["NatGateways"][0]["NatGatewayId"]
    backend = stage.emulator.nat
    backend.fail("us-west-2", gateway, "Gateway.NotAttached", "no Internet gateway") if hasattr(
        backend, "fail"
    ) else None
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    report = stage.provision()
    assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
    assert stage.world() == right


def test_time_passes_only_when_all_running_steps_sleep() -> None:
    time = ParallelTime()
    seconds = {"a": 3.0, "b": 5.0, "c": 1.0, "d": 4.0}
    needs: dict[str, tuple[str, ...]] = {"c": ("a",), "d": ("a", "b")}
    told: list[tuple[float, str]] = []

    def act(name: str) -> Outcome:
        told.append((time.now(), name))
        time.sleep(seconds[name])
        return Outcome(name, Status.CREATED)

    for _ in range(20):
        told.clear()
        began = time.now()
        walk = Walk([Node(n, needs.get(n, ()), s) for n, s in seconds.items()], act, lambda _: None)
        walk.run(time, 16)
        assert [(at - began, name) for at, name in told] == [(0, "b"), (0, "a"), (3, "c"), (5, "d")]
        assert time.now() - began == 9


def test_side_by_side_makes_the_same_world_in_the_time_of_the_longest_chain(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        provision(open_stack(stage.process(), mint=True))
        one_by_one = stage.world()
    time = ParallelTime()
    with theatre.stage(speed=1.0, clock=time) as stage:
        process = replace(stage.process(), pool=time, workers=16)
        began = time.now()
        assert provision(open_stack(process, mint=True)).ok
        assert stage.world() == one_by_one
        # The longest chain, cluster 450 s and node group 112 s, and at most 6 s that polling adds to it.
        assert 562 <= time.now() - began <= 562 + 6, time.now() - began
        began = time.now()
        assert teardown(open_stack(replace(process, aws=stage.aws(process.aws.owner)), mint=False)).ok
        assert stage.world() == stage.baseline
        # The other way: node group 190 s, then cluster 120 s.
        assert 310 <= time.now() - began <= 310 + 5, time.now() - began
