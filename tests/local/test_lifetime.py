"""When a local world ends by itself, in virtual time; and what counts as somebody living in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.clock import VirtualClock
from support.stage import Stage, Theatre, quick_start

from eksprov.local.aws.contents import is_empty, stacks
from eksprov.local.lifetime import IDLE_S, Lifetime
from eksprov.steps.identity.iam_role import trust_document


class Life:
    """A world's lifetime, its clock, and whether anything is in it."""

    def __init__(self) -> None:
        self.clock, self.empty = VirtualClock(), True
        self.time = Lifetime(self.clock.now, lambda: self.empty)

    def over_after(self, most_s: float, step_s: float = 1.0) -> float | None:
        """The second at which it is over, looking often; None where it is not by then."""
        began = self.clock.now()
        while self.clock.now() - began < most_s:
            self.clock.sleep(step_s)
            if self.time.is_over():
                return self.clock.now() - began
        return None


def test_an_empty_world_ends_ten_minutes_after_its_last_command() -> None:
    life = Life()
    assert IDLE_S == 600.0
    assert life.over_after(599) is None
    life.time.touch()
    assert life.over_after(1000) == 600.0


def test_one_that_was_asked_for_never_ends_by_itself() -> None:
    life = Life()
    life.time.keep()
    assert (life.over_after(100_000, 60.0), life.time.ends_in_s()) == (None, None)


def test_one_with_something_in_it_stays_and_has_its_ten_minutes_when_that_is_gone() -> None:
    life = Life()
    life.empty = False
    assert (life.over_after(10_000, 60.0), life.time.ends_in_s()) == (None, None)
    life.empty = True
    life.time.touch()  # the teardown
    assert life.time.ends_in_s() == 600.0
    assert life.over_after(1000) == 600.0


TRUST = trust_document("ec2.amazonaws.com", ["sts:AssumeRole"])


def bucket(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="team", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})


MADE_BY_HAND: dict[str, Callable[[Callable[[str], Any]], object]] = {
    "bucket": bucket,
    "vpc": lambda client: client("ec2").create_vpc(CidrBlock="10.0.0.0/16"),
    "repository": lambda client: client("ecr").create_repository(repositoryName="models"),
    "log group": lambda client: client("logs").create_log_group(logGroupName="x"),
    "key": lambda client: client("kms").create_key(),
    "topic": lambda client: client("sns").create_topic(Name="x"),
    "queue": lambda client: client("sqs").create_queue(QueueName="x"),
    "role": lambda client: client("iam").create_role(RoleName="x", AssumeRolePolicyDocument=TRUST),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Theatre().stage() as stage:
        yield stage


def test_a_new_account_is_empty_and_looking_at_it_puts_nothing_in(stage: Stage) -> None:
    assert is_empty(stage.emulator)
    stage.opened(mint=False)
    stage.world()
    assert is_empty(stage.emulator)
    assert stacks(stage.emulator) == []


@pytest.mark.parametrize("what", MADE_BY_HAND)
def test_whatever_somebody_makes_is_something(stage: Stage, what: str) -> None:
    MADE_BY_HAND[what](stage.account.plain)
    assert not is_empty(stage.emulator)


def test_a_stack_is_in_it_from_its_first_resource_to_its_last(stage: Stage) -> None:
    assert stage.provision().ok
    assert (is_empty(stage.emulator), stacks(stage.emulator)) == (False, [quick_start().name])
    assert stage.teardown().ok
    assert (is_empty(stage.emulator), stacks(stage.emulator)) == (True, [])
