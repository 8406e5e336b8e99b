"""The stack's API server, for steps that live in it: opened by the first that needs it, never otherwise.

A cluster and an access entry made a moment ago may not let us in yet: how soon an access policy is effective AWS does
not promise, and the endpoint's name takes a while too. Then, and only then, refusals are waited out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eksprov import errors
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import Outputs
from eksprov.kube.api import KubeApi, Ref
from eksprov.operations.stack import Opened
from eksprov.steps.catalog.names import CLUSTER

WAY_IN = (CLUSTER, "access-entry/")  # steps whose change means that the way in is new
LETS_IN_WITHIN_S = 120.0
PAUSE_S = 2.0
ALWAYS_THERE = Ref("v1", "Namespace", "", "kube-system")
NEW = frozenset({Status.CREATED, Status.UPDATED, Status.REPLACED})


def live_cluster(opened: Opened) -> tuple[str, Mapping[str, str]]:
    """The name and the outputs of the stack's cluster, its endpoint among them.

    Raises: NotThereError when there is no cluster, NoAnswerError while it has no endpoint, OwnershipError.
    """
    cluster = opened.cluster
    opened.refuse_a_strangers_cluster()
    found = opened.read(cluster, fresh=True)
    if found is None:
        raise errors.NotThereError(f"stack {opened.us.stack!r} has no cluster yet", "make it with `eksprov provision`")
    known = cluster.outputs(found)
    if not known.get("endpoint"):
        phase = cluster.phase(found)
        raise errors.NoAnswerError(
            f"the cluster of stack {opened.us.stack!r} has no endpoint yet: {phase.message or phase.state.value}",
            "`eksprov provision` waits for it",
        )
    return cluster.slug, known


class ApiServer:
    """`client(outputs)` gives the API server once the cluster's endpoint is known; None where there is no cluster."""

    def __init__(self, opened: Opened, ended: Mapping[str, Outcome], kube: KubeApi | None, *, opens: bool) -> None:
        self._opened, self._ended, self._kube, self._opens = opened, ended, kube, opens
        self._let_in = False

    def client(self, outputs: Outputs, tell: Callable[[str], None]) -> KubeApi | None:
        """The open API server. Raises: AccessError, ProvisioningError where it does not let us in."""
        if self._kube is None and self._opens:
            self._kube = self._opened.api_server(outputs.of(CLUSTER))
        if self._kube is not None and not self._let_in:
            self._wait(self._kube, tell)
            self._let_in = True
        return self._kube

    def look(self, outputs: Outputs) -> KubeApi | None:
        """The API server for a look in passing: whether it lets us in is not waited for."""
        return self._kube if self._kube is not None else self._opened.api_server(outputs.of(CLUSTER))

    def _wait(self, kube: KubeApi, tell: Callable[[str], None]) -> None:
        if not any(name.startswith(WAY_IN) and outcome.status in NEW for name, outcome in self._ended.items()):
            return
        clock, speed = self._opened.stack.clock, self._opened.aws.speed
        began = clock.now()
        while True:
            try:
                kube.get(ALWAYS_THERE)
            except (errors.AccessError, errors.ProvisioningError) as error:
                if clock.now() - began > LETS_IN_WITHIN_S / speed:
                    raise
                tell(f"the cluster does not let us in yet: {error.message}")
                clock.sleep(PAUSE_S / speed)
            else:
                return
