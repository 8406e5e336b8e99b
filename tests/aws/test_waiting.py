"""Patience: for named refusals alone, in virtual time, up to a deadline in real seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError
from support.clock import VirtualClock

from eksprov import errors
from eksprov.aws.faults import message
from eksprov.aws.waiting import (
    EKS_BUSY,
    LONGEST_PAUSE_S,
    ROLE_NOT_VISIBLE,
    STILL_HELD,
    Passing,
    RealClock,
    eventually,
)
from eksprov.core.executor import StopFlag


@dataclass(frozen=True)
class World:
    clock: VirtualClock = field(default_factory=VirtualClock)
    speed: float = 1.0
    told: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.told.append(text)


def refused(what: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": what, "Message": message}}, "CreateCluster")


def scripted(*answers: ClientError | str) -> Callable[[], str]:
    left = list(answers)

    def call() -> str:
        answer = left.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    return call


NEW_ROLE = refused("InvalidParameterException", "Role with arn: arn:aws:iam::1:role/x, does not exist")
HELD = refused("DependencyViolation", "The subnet 'subnet-1' has dependencies and cannot be deleted.")


def test_a_passing_refusal_is_waited_out() -> None:
    world = World()
    answer = eventually(world, scripted(NEW_ROLE, NEW_ROLE, "made"), ROLE_NOT_VISIBLE, limit_s=180, jitter=lambda: 0.5)
    assert answer == "made"
    assert world.clock.slept == [1.0, 1.6]
    assert world.told == [f"waiting until AWS takes it: {message(NEW_ROLE)} (InvalidParameterException)"] * 2


def test_when_time_is_up_the_cure_is_told_with_what_was_waited_out() -> None:
    world, rests = World(), (Passing("OperationAborted"),)
    with pytest.raises(errors.WaitTimeoutError, match="OperationAborted") as caught:
        eventually(world, scripted(*[refused("OperationAborted")] * 99), rests, limit_s=60, cure="run it again later")
    assert caught.value.hint == "run it again later"
    assert 30 < world.clock.now() <= 60
    with pytest.raises(ClientError, match="AccessDenied"):
        eventually(world, scripted(refused("AccessDenied")), rests, limit_s=60, cure="run it again later")


@pytest.mark.parametrize(
    "error",
    [
        refused("InvalidParameterException", "unsupported Kubernetes version"),
        refused("ResourceLimitExceededException", "does not exist"),
        refused("AccessDenied", "does not exist"),
    ],
)
def test_any_other_refusal_rises_at_once(error: ClientError) -> None:
    world = World()
    with pytest.raises(ClientError) as caught:
        eventually(world, scripted(error, "made"), ROLE_NOT_VISIBLE, limit_s=180)
    assert caught.value is error
    assert world.clock.slept == []


def test_a_refusal_of_another_kind_ends_the_patience() -> None:
    fatal = refused("UnauthorizedOperation")
    with pytest.raises(ClientError) as caught:
        eventually(World(), scripted(HELD, fatal, "gone"), STILL_HELD, limit_s=180)
    assert caught.value is fatal


def test_when_time_is_up_the_last_refusal_rises() -> None:
    world = World()
    with pytest.raises(ClientError) as caught:
        eventually(world, scripted(*[HELD] * 1000), STILL_HELD, limit_s=100)
    assert caught.value is HELD
    assert 100 - 1.5 * LONGEST_PAUSE_S < world.clock.now() <= 100  # the pause that would have been too long


def test_when_time_is_up_what_blocks_is_named() -> None:
    with pytest.raises(errors.WaitTimeoutError, match="network interface eni-7") as caught:
        eventually(
            World(), scripted(*[HELD] * 1000), STILL_HELD, limit_s=100, held_by=lambda: ("network interface eni-7",)
        )
    assert caught.value.__cause__ is HELD


def test_the_world_may_be_tidied_before_each_further_attempt() -> None:
    tidied: list[int] = []
    eventually(World(), scripted(HELD, HELD, "gone"), STILL_HELD, limit_s=100, between=lambda: tidied.append(1))
    assert tidied == [1, 1]


def test_speed_shortens_pauses_and_leaves_the_deadline() -> None:
    world = World(speed=60.0)
    with pytest.raises(ClientError):
        eventually(world, scripted(*[HELD] * 10_000), STILL_HELD, limit_s=20, jitter=lambda: 0.5)
    assert world.clock.slept[0] == pytest.approx(0.05)  # a second of AWS, but never below the floor
    assert max(world.clock.slept) == pytest.approx(0.25)
    assert world.clock.now() > 19.5


def test_pauses_grow_are_bounded_and_jittered() -> None:
    numbers = iter([0.0, 0.999] * 500)
    world = World()
    with pytest.raises(ClientError):
        eventually(world, scripted(*[HELD] * 1000), STILL_HELD, limit_s=300, jitter=lambda: next(numbers))
    assert max(world.clock.slept) < 22.5
    assert len(set(world.clock.slept[-4:])) > 1


def test_codes_need_their_fragment_only_where_they_mean_many_things() -> None:
    assert EKS_BUSY[0].fits(refused("ResourceInUseException", "Cluster currently has an update in progress"))
    assert not EKS_BUSY[0].fits(refused("ResourceInUseException", "Cluster already exists with name: demo"))
    assert Passing("DependencyViolation").fits(HELD)
    assert not any(rule.fits(refused("AuthFailure", "credentials")) for rule in STILL_HELD)


def test_the_real_clock_wakes_at_once_when_asked_to_stop() -> None:
    stop = StopFlag()
    clock = RealClock(stop)
    began = time.monotonic()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(errors.InterruptedRunError):
        clock.sleep(60)
    with pytest.raises(errors.InterruptedRunError):
        clock.sleep(60)
    assert time.monotonic() - began < 5
    assert clock.now() >= began


def test_the_real_clock_sleeps_for_as_long_as_it_was_told() -> None:
    clock = RealClock(StopFlag())
    began = clock.now()
    clock.sleep(0.02)
    assert clock.now() - began >= 0.02
