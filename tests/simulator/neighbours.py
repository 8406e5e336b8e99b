"""Two stacks beside the one that a scenario is about: its namesake in another region, and one whose name begins so.

They are made by the product, with their models, before the scenario's world is; each keeps a state of its own. A
namesake's bucket, roles and dashboards are in name spaces of the whole account.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from support.clock import VirtualClock
from support.memory_journal import MemoryJournal
from support.stage import BEGINNING, MemoryStore, project, quick_start

from eksprov.aws.inventory import Inventory
from eksprov.aws.session import Aws
from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.step import Owner
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.stack import Stack, open_stack

BESIDE = "beside"  # the worlds in which there are neighbours
ELSEWHERE = "us-east-1"
LATENCY_S = 7200.0  # until EC2 forgets what is gone, and no bucket is short of tokens


@dataclass
class Neighbour:
    """A stack, whoever runs it, and where its state is."""

    config: Config
    aws: Aws
    api: Callable[[str], Any]
    store: MemoryStore = field(default_factory=lambda: MemoryStore(""))
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def stack(self, clock: VirtualClock) -> Stack:
        """A process that nothing disturbs."""
        aws = replace(self.aws, owner=Owner(self.config.name, ""), clock=clock, inventory=Inventory())
        together: Any = lambda act, items: [act(item) for item in items]  # noqa: E731 -- one by one
        kube: Any = lambda _name, outputs: self.api(outputs["arn"])  # noqa: E731
        return Stack(
            self.config, project(), aws, self.store, self.journal, clock, kube, workers=1, together=together,
            mint=lambda: f"beside-{self.config.region}"[:16],
        )  # fmt: skip


def configs() -> Iterator[Config]:
    """The namesake's, and that of the longer name."""
    data = quick_start().model_dump(mode="json")
    for more in ({"region": ELSEWHERE}, {"name": f"{data['name']}-prod"}):
        yield Config.model_validate_json(json.dumps({**data, **more}))


def settle_in(warm: Any) -> None:
    """Make both, undisturbed; the world that a scenario begins with comes afterwards."""
    warm.neighbours = [
        Neighbour(config, warm.elsewhere if config.region == ELSEWHERE else warm.aws, warm.kubernetes.apis.get)
        for config in configs()
    ]
    before, clock = warm.scheduler, VirtualClock(max(BEGINNING, warm.scheduler.now()))
    warm.scheduler = clock
    for one in warm.neighbours:
        one.store = MemoryStore(one.config.name)
        assert provision(open_stack(one.stack(clock), mint=True)).ok
        names = [model.name for model in one.config.models]
        assert deploy(open_stack(one.stack(clock), mint=False), names).report.ok
    clock.sleep(LATENCY_S)
    warm.plain["ec2"].describe_nat_gateways()
    before.sleep(clock.now() - before.now())
    warm.scheduler = before


def unsettled(warm: Any) -> Iterator[str]:
    """What either would say against its own stack, with its state and without it."""
    for one in warm.neighbours:
        for lost in (False, True):
            if lost:
                one.store.forget()
            opened = open_stack(one.stack(VirtualClock(warm.scheduler.now())), mint=False)
            who = f"{one.config.name} in {one.config.region}{', its state lost' * lost}"
            if opened.us.stack_id != f"beside-{one.config.region}"[:16]:
                yield f"{who} takes itself for {opened.us.stack_id}"
            lines = make_plan(opened).lines
            yield from (
                f"{who}: {line.name}: {line.change.action} {line.problem}"
                for line in lines
                if line.problem or line.change.action is not Action.NONE
            )
