"""Patience around one call: made but not usable yet, or still held by something that is on its way out.

IAM and EC2 answer before all of AWS has heard of it: a new role "does not exist" for some seconds, a subnet is "in
use" while the last network interface leaves. Such refusals are named by exact code and, where one code means many
things, by a fragment of the message; any other error rises at once. Waiting for a resource *in motion* is not here but
in `core.convergence`, and throttling is botocore's own matter.

The deadline is in real seconds and never scaled; pauses are divided by the world's speed. Before each pause the user is
told what is waited out, in AWS's own words.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from eksprov import errors
from eksprov.aws.faults import code, message
from eksprov.core.convergence.pace import Clock
from eksprov.core.executor import StopFlag

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from tenacity import RetryCallState

T = TypeVar("T")

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 15.0
FLOOR_S = 0.05  # of real time: a scaled world is not asked more often than this


@dataclass(frozen=True)
class Passing:
    """A refusal that passes by itself."""

    code: str  # the error's, as botocore has it
    fragments: tuple[str, ...] = ()  # one of these must be in the message; empty: any message will do

    def fits(self, error: ClientError) -> bool:
        """Whether `error` is this refusal."""
        if code(error) != self.code:
            return False
        text = message(error)
        return not self.fragments or any(fragment in text for fragment in self.fragments)


# EKS checks a role the moment it is named, and IAM needs 2 to 20 s, rarely minutes, to tell it of a new one. The
# messages are the ones the Terraform provider waits out
# (https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service/eks).
ROLE_NOT_VISIBLE = (
    Passing(
        "InvalidParameterException",
        (
            "does not exist",
            "Error in role params",
            "Role could not be assumed because the trusted entity is not correct",
            "doesn't have the Amazon EKS Managed Policies associated",
            "IAM role's policy must include",
            "The specified principalArn is invalid: invalid principal",
            "Misconfigured PodExecutionRole Trust Policy",
        ),
    ),
    Passing("ResourcePropagationDelayException"),
)
# An access entry that was just made is not found by the calls that give it policies
# (https://github.com/hashicorp/terraform-provider-aws/issues/35728).
ENTRY_NOT_SEEN = (Passing("ResourceNotFoundException", ("The specified principalArn could not be found",)),)
# EKS takes one change of a cluster or node group at a time.
EKS_BUSY = (Passing("ResourceInUseException", ("in progress", "currently has", "DELETING")),)
# EC2 refuses to delete what something else still stands on; interfaces of load balancers and pods leave late.
STILL_HELD = (
    Passing("DependencyViolation"),
    Passing("InvalidIPAddress.InUse"),
    Passing("ResourceInUse"),
    Passing("AuthFailure", ("You do not have permission to access the specified resource", "is in use")),
)
# EC2's reads, and the calls that check their parameters by reading, may lag behind a create.
NOT_SEEN_YET = tuple(
    Passing(name)
    for name in (
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "InvalidInternetGatewayID.NotFound",
        "InvalidRouteTableID.NotFound",
        "InvalidAllocationID.NotFound",
        "InvalidGatewayID.NotFound",
        "InvalidNatGatewayID.NotFound",
        "NatGatewayNotFound",
    )
)
ROLE_LIMIT_S = 180.0
SEEN_LIMIT_S = 60.0
BUSY_LIMIT_S = 3600.0
HELD_LIMIT_S = 1200.0


class Patient(Protocol):
    """What waiting needs to know of a world; `Aws` is one."""

    @property
    def clock(self) -> Clock: ...

    @property
    def speed(self) -> float: ...

    @property
    def tell(self) -> Callable[[str], object]: ...


def eventually(
    world: Patient,
    call: Callable[[], T],
    passing: tuple[Passing, ...],
    *,
    limit_s: float,
    between: Callable[[], object] | None = None,
    held_by: Callable[[], tuple[str, ...]] | None = None,
    cure: str = "",
    jitter: Callable[[], float] = random.random,
) -> T:
    """Call until it succeeds, waiting out the refusals in `passing`, for up to `limit_s` real seconds.

    `between` is called before each further attempt (clear away what is known to be in the way); `held_by` names what
    is in the way, once time is up; `cure` is what the user may do then; `jitter` gives numbers in [0, 1).
    Raises: any other error at once; the last refusal when time is up, or WaitTimeoutError naming what blocks or with
    the cure.
    """
    from botocore.exceptions import ClientError
    from tenacity import Retrying, retry_if_exception

    began = world.clock.now()

    def passes(error: BaseException) -> bool:
        return isinstance(error, ClientError) and any(rule.fits(error) for rule in passing)

    pacing = _pacing(world, limit_s, between or (lambda: None), jitter)
    try:
        return Retrying(retry=retry_if_exception(passes), reraise=True, **pacing)(call)
    except ClientError as error:
        blockers = held_by() if held_by is not None and passes(error) else ()
        waited, said = f"{world.clock.now() - began:.0f} s", f"{message(error)} ({code(error)})"
        if cure and passes(error):
            raise errors.WaitTimeoutError(f"{said}, for {waited} now", cure) from error
        if not blockers:
            raise
        raise errors.WaitTimeoutError(
            f"{said}; after {waited} it is still held by {', '.join(blockers)}",
            "remove what holds it, then run the same command again",
        ) from error


def _pacing(
    world: Patient, limit_s: float, between: Callable[[], object], jitter: Callable[[], float]
) -> dict[str, Any]:
    """Tenacity's `wait`, `stop` and `sleep`, on the world's clock."""
    began = world.clock.now()

    def wait(state: RetryCallState) -> float:
        wanted = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 1.6 ** (state.attempt_number - 1)) * (0.5 + jitter())
        return max(FLOOR_S, wanted / world.speed)

    def stop(state: RetryCallState) -> bool:
        return world.clock.now() + state.upcoming_sleep - began > limit_s

    def sleep(seconds: float) -> None:
        world.clock.sleep(seconds)
        between()

    def tell(state: RetryCallState) -> None:
        refusal = state.outcome.exception() if state.outcome is not None else None
        world.tell(f"waiting until AWS takes it: {message(refusal)} ({code(refusal)})")  # type: ignore[arg-type]  # what is retried is a ClientError

    return {"wait": wait, "stop": stop, "sleep": sleep, "before_sleep": tell}


class RealClock:
    """The machine's own time; a sleep ends at once when the user asks to stop."""

    def __init__(self, stop: StopFlag, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stop, self._monotonic = stop, monotonic

    def now(self) -> float:
        """Seconds from an arbitrary point; it never goes back."""
        return self._monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises: InterruptedRunError when stopping was asked for, before or meanwhile."""
        if self._stop.wait(seconds):
            raise errors.InterruptedRunError("stopped while waiting; AWS goes on by itself")
