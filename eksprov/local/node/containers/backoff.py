"""Pure: when a container that ended is started again, as the kubelet does it.

At once the first time, then after 10 s, 20 s, 40 s and so on up to 5 minutes; ten minutes of running forget it all
(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
"""

from __future__ import annotations

BASE_S = 10.0
LIMIT_S = 300.0


class Backoff:
    """The delays of one container."""

    def __init__(self, base_s: float = BASE_S, limit_s: float = LIMIT_S) -> None:
        self._base_s = base_s
        self._limit_s = limit_s
        self._ends = 0

    def delay(self, ran_s: float) -> float:
        """Seconds to wait after an end, when the container had run for `ran_s`."""
        if ran_s >= 2 * self._limit_s:
            self._ends = 0
        self._ends += 1
        if self._ends == 1:
            return 0.0
        return min(self._limit_s, self._base_s * 2.0 ** min(self._ends - 2, 16))


def restarts(policy: str, exit_code: int) -> bool:
    """Whether restartPolicy asks for another run after `exit_code`."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)
