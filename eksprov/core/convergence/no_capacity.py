"""When AWS has no capacity for a resource, and after how long the next choice is tried.

Some resources can be had in several ways (other instance types, zones, a way of buying): the step's `alternatives`.
One that AWS reports no capacity for is not waited for until a deadline; after a while of patience it is abandoned. The
patience is there because one zone may be empty while Auto Scaling already launches in the next one.
"""

from __future__ import annotations

from eksprov import errors
from eksprov.core.convergence.pace import Clock
from eksprov.core.step import AnyStep, Phase, PhaseState

# From the first reading that shows it. With a reading every 10 s at most, the next choice is asked for within 80 s of
# the first failure; the promise is 120 s.
PATIENCE_S = 60.0
SCARCE_HINT = "AWS goes on trying: run the same command again to wait on, or let the config name other choices"


class NoCapacityError(errors.ProvisioningError):
    """AWS has no capacity for a resource as it was asked for; another choice may do. `reason` is AWS's."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: no capacity: {reason}", SCARCE_HINT)
        self.reason = reason


class NeedsReplacementError(errors.ReplacementError):
    """A resource cannot become what is wanted, but another one may be made beside it, under a name of its own."""


class Patience:
    """One wait's patience with a resource that lacks capacity."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock, self._limit_s = clock, PATIENCE_S / speed
        self._since: float | None = None

    def look(self, step: AnyStep, phase: Phase | None) -> None:
        """Look at a reading. Raises: NoCapacityError once capacity has been lacking for too long, or for good."""
        if phase is None or not phase.scarce:
            self._since = None
            return
        if self._since is None:
            self._since = self._clock.now()
        if phase.state is PhaseState.FAILED or self._clock.now() - self._since >= self._limit_s:
            raise NoCapacityError(step.name, phase.message)
