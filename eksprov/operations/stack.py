"""Opening a stack: who calls, what is recorded, whose the resources are, what should be.

`Stack` is what the composition root brings together; `Opened` is a stack whose identity has been checked and whose
steps are known. A stack id that the state has lost is read back from the tags; it is minted only when nothing of the
stack exists.
"""

from __future__ import annotations

import queue
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from eksprov import errors
from eksprov.aws.session import Aws, Identity
from eksprov.aws.tags import REGION
from eksprov.config.schema import Config
from eksprov.core.convergence.pace import Clock
from eksprov.core.executor import WORKERS, Channel, Pool, Together
from eksprov.core.names import is_models
from eksprov.core.step import AnyStep, Facts, FoundResource, Owner, Step
from eksprov.core.tagging import Tags
from eksprov.core.words import plural
from eksprov.kube.api import KubeApi
from eksprov.operations.kinds import KINDS, step_found, step_of
from eksprov.operations.pinning import pinned
from eksprov.operations.progress import Progress, Silent
from eksprov.operations.wanted import wanted
from eksprov.pins.lockfile import NONE, Pins
from eksprov.state.journal import Journal, utc
from eksprov.state.record import State
from eksprov.state.store import StateStore
from eksprov.steps.catalog.names import CLUSTER
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.settled import Settled, as_record, resolve

KubeFactory = Callable[[str, Mapping[str, str]], KubeApi]
A = TypeVar("A")
B = TypeVar("B")
F = TypeVar("F", bound=Facts)
READERS = 8


def side_by_side(act: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """`act` of every item, a few at a time, in their order. A Ctrl-C does not wait for those under way."""
    threads = ThreadPoolExecutor(READERS, thread_name_prefix="read")
    try:
        found = list(threads.map(act, items))
    except KeyboardInterrupt:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        threads.shutdown()
        raise
    threads.shutdown()
    return found


@dataclass(frozen=True)
class Stack:
    """Everything a command needs, brought by the composition root."""

    config: Config
    project: Path  # the config file's folder
    aws: Aws
    store: StateStore
    journal: Journal  # of calls about to be made
    clock: Clock
    kube: KubeFactory  # opens the API server of a cluster, by its name and outputs
    progress: Progress = field(default_factory=Silent)  # is told what goes on
    stopped: Callable[[], bool] = lambda: False  # whether the user asked the run to stop
    pool: Pool | None = None  # None: threads of its own; tests bring another scheduler
    workers: int = WORKERS  # how many steps are worked on at once
    channel: Callable[[], Channel] = queue.SimpleQueue  # how threads tell one another something
    together: Together = side_by_side  # makes several readings at once
    mint: Callable[[], str] = lambda: secrets.token_hex(8)  # makes a new stack's id
    utc: Callable[[], str] = utc  # the time that records bear, ISO 8601
    preflight: bool = False  # run the checks of `doctor` before something is created
    pins: Pins = NONE  # what the lock file says


@dataclass(frozen=True)
class Opened:
    """A stack whose account, region and owner are settled. `found resources` were read only where the state was lost.

    `first_choice` asks for the first choice of what stands on a later one; see `core.convergence.alternatives`.
    """

    stack: Stack
    aws: Aws
    state: State
    identity: Identity
    settled: Settled
    steps: tuple[AnyStep, ...]
    resources: tuple[FoundResource, ...] = ()
    first_choice: bool = False
    """Go back to the first choice of what is there as a later one: see `core.convergence.alternatives`."""

    @property
    def us(self) -> Owner:
        return self.aws.owner

    @property
    def tags(self) -> Tags:
        """The config's tags, those that earlier configs gave, and the region, which earlier versions did not write."""
        return Tags.after(self.state.tags, {**self.stack.config.tags, REGION: self.aws.region})

    @property
    def cluster(self) -> Cluster:
        """The step of the stack's cluster."""
        return next(step for step in self.steps if isinstance(step, Cluster))

    @property
    def strange_cluster(self) -> str:
        """The ARN of a cluster of our name that is somebody else's, or empty; our own may have lost its tags."""
        record, found = self.state.steps.get(CLUSTER), self.settled.stranger
        return "" if record is not None and record.outputs.get("arn") == found else found

    def api_server(self, known: Mapping[str, str]) -> KubeApi | None:
        """The API server of the stack's cluster, whose outputs are `known`; None while these do not say where it is.

        One that failed while it was made, or is being made, may have only a part of what a client needs.
        """
        there = known.get("endpoint") and known.get("certificate_authority")
        return self.stack.kube(known["name"], known) if there else None

    def asks(self, step: AnyStep) -> bool:
        """Whether the world is asked for a step: nothing inside a stranger's cluster is any business of ours."""
        return not self.strange_cluster or not (step.traits.inside or step.world == "kube")

    def refuse_a_strangers_cluster(self) -> None:
        """Before anybody goes into the cluster. Raises: OwnershipError where it is not this stack's."""
        if self.strange_cluster:
            said = f"cluster {self.strange_cluster} is not this stack's, so nothing is done in it"
            raise errors.OwnershipError(said, "choose another stack name")

    @property
    def orphans(self) -> tuple[AnyStep, ...]:
        """Recorded or sighted infrastructure that the config no longer names (models are deployed on their own)."""
        wanted = {step.name for step in self.steps}
        recorded = {
            name: step_of(name, record)
            for name, record in self.state.steps.items()
            if name not in wanted and not is_models(name)
        }
        sighted = {
            s.owner.step: step_found(s)
            for s in self.resources
            if s.owner.step not in wanted and s.owner.step not in recorded and not is_models(s.owner.step)
        }
        return (*recorded.values(), *sighted.values())

    def read(self, step: Step[Any, F], client: Aws | KubeApi | None = None, *, fresh: bool = False) -> F | None:
        """The facts of a step, from AWS or from `client`; None where there is nothing, or nothing that is asked for.

        Raises: AccessError, ProvisioningError where the world does not answer as it should.
        """
        from eksprov.aws.faults import translated

        if not self.asks(step):
            return None
        with translated(f"read {step.name}"):
            return step.discover(self.aws if client is None else client, fresh=fresh)

    def read_all(self, steps: Sequence[AnyStep], client: Aws | KubeApi | None = None) -> dict[str, Facts | None]:
        """The same of each step, side by side, by the steps' names."""
        found = self.stack.together(lambda step: self.read(step, client), steps)
        return dict(zip((step.name for step in steps), found, strict=True))


def open_stack(stack: Stack, *, mint: bool) -> Opened:
    """Read state and identity and settle the owner; `mint` begins a new incarnation when nothing exists.

    Raises: StateError (another account or region, damaged, two stack ids in the tags), AccessError.
    """
    config = stack.config
    recorded = stack.store.load()
    identity = stack.aws.identity()
    state = recorded or State(stack=config.name)
    _refuse_elsewhere(state, identity, stack)
    resources: tuple[FoundResource, ...] = ()
    if not state.stack_id:
        resources = list_owned(stack.aws, config.name, KINDS, stack.together)
        stack_id = _only_id(resources) or (stack.mint() if mint else "")
        state = replace(state, stack_id=stack_id)
        if resources:
            found = plural(len(resources), "resource")
            stack.progress.note(f"no state in {stack.store.where()}: found {found} by tags")
    aws = stack.aws.owned_by(Owner(config.name, state.stack_id))
    settled = resolve(aws, config, state.choices)
    state = replace(state, account=identity.account, region=stack.aws.region)
    kept = as_record(settled)
    if mint and kept != state.choices:
        # Not added to the old ones: what the config has come to say is settled no more.
        state = replace(state.with_choices(kept), choices=kept)
    if not config.tags.keys() <= state.tags.keys():
        state = state.with_tags({**config.tags, **state.tags})  # an earlier value stays until all have the new one
    made = {*state.steps, *(resource.owner.step for resource in resources)}
    steps = pinned(wanted(config, settled, state.stack_id, made), stack.pins)
    return Opened(stack, aws, state, identity, settled, steps, resources)


def list_owned(
    aws: Aws, stack: str, kinds: tuple[type[AnyStep], ...], together: Together = side_by_side
) -> tuple[FoundResource, ...]:
    """Everything in the account whose tags name the stack, kind by kind; the state is not asked."""
    from eksprov.aws.faults import translated

    def look(kind: type[AnyStep]) -> list[FoundResource]:
        with translated(f"look for resources of kind {kind.kind}"):
            return list(kind.list_owned(aws, stack))

    looked = [kind for kind in kinds if kind.world == "aws"]
    return tuple(resource for found in together(look, looked) for resource in found)


def _only_id(resources: tuple[FoundResource, ...]) -> str:
    ids = sorted({s.owner.stack_id for s in resources if s.owner.stack_id})
    if len(ids) > 1:
        named = "; ".join(f"{i}: {next(s.identity for s in resources if s.owner.stack_id == i)}" for i in ids)
        raise errors.StateError(
            f"the tags of this account name {len(ids)} stacks of this name ({named})",
            "put the state file of the one you mean back in place, or choose another stack name",
        )
    return ids[0] if ids else ""


def _refuse_elsewhere(state: State, identity: Identity, stack: Stack) -> None:
    here = (identity.account, stack.aws.region)
    recorded = (state.account or here[0], state.region or here[1])
    if recorded != here:
        raise errors.StateError(
            f"{stack.store.where()} belongs to account {recorded[0]} in {recorded[1]}, but you are calling account "
            f"{here[0]} in {here[1]}",
            "use the profile and region the stack was made with, or another stack name",
        )
