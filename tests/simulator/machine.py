"""Starts processes of the product on the warm account, kills them, and writes down everything that happens.

A *process* is a command of the product: it remembers nothing but the state folder, and its threads run under the
scheduler. Before and after each call of AWS or Kubernetes some virtual time passes, drawn from the seed, and with it
the order in which threads go on. A killed process stops where it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import HTTPClientError
from support.stage import project

from eksprov import errors
from eksprov.aws.inventory import Inventory
from eksprov.config.schema import Config
from eksprov.core.step import Owner
from eksprov.local.faults.inject import CarryOut, Faults
from eksprov.local.faults.plan import Fault
from eksprov.local.faults.wire import Asked
from eksprov.operations.commands.models import deploy, undeploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.stack import Stack, open_stack
from eksprov.state.journal import FileJournal
from eksprov.state.store import FileStore
from simulator.disk import Disk
from simulator.fakes import Done, SimClock, SimPool, seed_everything
from simulator.kube import SimKube
from simulator.scheduler import DeadlockError, Scheduler
from simulator.trouble import NO_EXIT, Ended, Trouble
from simulator.warm import Warm

FIRST_PID = 4000
KUBE_ATTEMPTS = 5
KUBE_RETRIED = frozenset({0, 429, 500, 502, 503, 504})  # 0: no answer


@dataclass
class _Live:
    number: int
    ended: Ended
    trouble: Trouble
    faults: Faults | None = None
    armed: str = ""  # a crash that comes at the next chance
    armed_task: Any = None


class Machine:
    """One scenario's world. To be used in a process forked for it."""

    def __init__(self, warm: Warm, seed: int, config: Config) -> None:
        self.warm, self.seed, self.config = warm, seed, config
        self.scheduler = Scheduler(seed, warm.scheduler.now())
        warm.scheduler, warm.around = self.scheduler, self._around
        self.log, self._live = list[str](), dict[int, _Live]()
        self.disk = Disk(warm.folder, self._before_file, self._after_file, self._pid)
        seed_everything(seed)
        self.disk.install().adopt()
        # What happened, and what a power cut before it would have left.
        self.seen_calls, self.seen_files = list[tuple[Asked, str]](), list[tuple[str, str]]()
        self.project = project()
        self._hiding: Any = None  # what AWS hides does not end with the process that made it

    def digest(self) -> str:
        """A hash of everything that happened."""
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()

    def run(self, command: str, trouble: Trouble | None = None, config: Config | None = None) -> Ended:
        """One process."""
        return self.race([(command, trouble or Trouble(), 0.0)], config)[0]

    def race(self, commands: list[tuple[str, Trouble, float]], config: Config | None = None) -> list[Ended]:
        """Processes side by side, each begun after so many seconds."""
        lives = [self._start(command, trouble, delay, config) for command, trouble, delay in commands]
        try:
            self.scheduler.run(lambda: not any(self.scheduler.alive(life.number) for life in lives))
        except DeadlockError as error:
            for life in lives:
                life.ended.bug = life.ended.bug or f"deadlock: {error}"
                self.scheduler.kill(life.number)
        for life in lives:
            if life.faults is not None:
                life.ended.struck = life.faults.struck
                life.ended.drained = life.faults.buckets.drained if life.faults.buckets else []
            if life.ended.bug:
                life.ended.code = 70
        return [life.ended for life in lives]

    def wait(self, seconds: float) -> None:
        """Nobody does anything for a while."""
        over: list[int] = []

        def nap() -> None:
            self.scheduler.sleep(seconds)
            over.append(1)

        self.scheduler.spawn(self.scheduler.group(), nap, "nap")
        self.scheduler.run(lambda: bool(over))

    def meddle(self, act: Callable[[], object]) -> None:
        """Somebody else does something, at once."""
        self.warm.around = None
        act()
        self.warm.around = self._around

    def _start(self, command: str, trouble: Trouble, delay: float, config: Config | None) -> _Live:
        life = _Live(self.scheduler.group(), Ended(NO_EXIT, command), trouble)
        region = self.warm.aws.region
        life.faults = Faults(
            self.warm.emulator,
            trouble.plan,
            region,
            self._sleep,
            lambda fault: self._struck_down(life, fault),
            self._hiding if trouble.plan.lag else None,
        )
        self._hiding = life.faults.hiding or self._hiding
        self._live[life.number] = life
        self.scheduler.spawn(life.number, lambda: self._command(life, delay, config or self.config), "main")
        return life

    def _command(self, life: _Live, delay: float, config: Config) -> None:
        if delay:
            self.scheduler.sleep(delay)
        began = self.scheduler.now()
        self._note(f"begins {life.ended.command}")
        ended = life.ended
        try:
            ended.result = self._carried_out(ended.command, self._stack(config, life))
            report = getattr(ended.result, "report", ended.result)
            outcomes = getattr(report, "outcomes", ())
            ended.code = 0 if ended.result.ok and all(o.good for o in outcomes) else errors.EXIT_FAILED
            ended.messages += [f"{o.message} | {o.hint}" for o in outcomes if o.message and not o.good]
            ended.messages += [f"left: {s.identity}: {ended.result.why(s)}" for s in getattr(ended.result, "left", ())]
        except errors.EksprovError as error:
            ended.code = error.exit_code
            ended.messages.append(f"{error.message} | {error.hint}")
        except BaseException as error:
            import traceback

            ended.bug = "".join(traceback.format_exception(error))[-1500:]
        ended.seconds = self.scheduler.now() - began
        self._note(f"ends {ended.command} with {ended.code}")

    def _carried_out(self, command: str, stack: Stack) -> Any:
        with stack.store.lock(command):
            opened = open_stack(stack, mint=command == "provision")
            match command:
                case "provision":
                    return provision(opened)
                case "teardown":
                    return teardown(opened)
                case "deploy":
                    return Done(deploy(opened, [model.name for model in stack.config.models]).report)
                case "undeploy":
                    return undeploy(opened, [model.name for model in stack.config.models])
                case "plan":
                    return Done(make_plan(opened))
        raise AssertionError(command)

    def _stack(self, config: Config, life: _Live) -> Stack:
        clock = SimClock(self.scheduler.now, self._sleep)
        folder = self.warm.folder
        aws = replace(
            self.warm.aws,
            owner=Owner(config.name, ""),
            clock=clock,
            inventory=Inventory(self.scheduler.lock),
            extra_tags=tuple(sorted(config.tags.items())),
        )
        return Stack(
            config=config,
            project=self.project,
            aws=aws,
            store=FileStore(folder, config.name),
            journal=FileJournal(folder / f"{config.name}.journal", now=lambda: "2027-01-15T08:00:00Z"),
            clock=clock,
            kube=lambda name, _: SimKube(self, lambda: self._api(name)),
            pool=SimPool(self.scheduler, life.number),
            channel=self.scheduler.channel,
            together=self.scheduler.together,
            mint=self.warm.mint,
            utc=lambda: f"{self.scheduler.now():.0f} s",
        )

    def _api(self, cluster: str) -> Any:
        arns = [each.arn for each in self.warm.emulator.clusters() if each.name == cluster]
        api = self.warm.kubernetes.apis.get(arns[0]) if arns else None
        if api is None:
            raise errors.ProvisioningError("the cluster's endpoint does not answer", "check that the cluster exists")
        return api

    # What happens between the product and the world.

    def _around(self, call: Asked, carry_out: CarryOut) -> Any:
        """One call of AWS."""
        life = self._life()
        if life is None:
            return carry_out()
        self._effect(life)
        self._sleep(self.scheduler.random.uniform(0.02, 0.2))
        self._count(life, call)
        assert life.faults is not None
        answer = life.faults.around(call, carry_out)
        self._note(f"{call.service}:{call.operation} {answer[0] if answer else 'nothing'}")
        self._sleep(self.scheduler.random.uniform(0.02, 0.3))
        if call.mutating and life.trouble.crash_at == life.ended.mutations and life.trouble.crash_where:
            life.armed, life.armed_task = life.trouble.crash_where, self.scheduler.current
        return answer

    def kube_call(self, operation: str, mutating: bool, carry_out: Callable[[], Any]) -> Any:
        """One call of Kubernetes; it goes wrong as calls of AWS do."""
        call = Asked("kube", f"Kube{operation}", mutating, "", "")
        answer: list[Any] = []

        def carried() -> Any:
            answer[:] = [carry_out()]
            return 200, {}, b""

        for attempt in range(KUBE_ATTEMPTS):  # as `KubeClient` does
            try:
                status = self._around(call, carried)[0]
            except HTTPClientError:
                status = 0
            if status == 200:
                return answer[0]
            if status not in KUBE_RETRIED:
                break
            self._sleep(0.5 * 2**attempt)
        raise errors.ProvisioningError(f"could not {operation}: status {status}", "run the same command again")

    def _count(self, life: _Live, call: Asked) -> None:
        life.ended.calls += 1
        life.ended.mutations += call.mutating
        if call.mutating:
            life.ended.changed_at.append(self.scheduler.now())
        self.seen_calls.append((call, f"{life.ended.mutations - call.mutating} {self.disk.age}"))

    def _effect(self, life: _Live) -> None:
        """A crash that was to come when the code goes on comes now."""
        if life.armed == "replied" and life.armed_task is self.scheduler.current:
            self._die(life, "replied")

    def _before_file(self, operation: str, name: str) -> str | None:
        life = self._life()
        if life is None:
            return None
        self._effect(life)
        life.ended.files += 1
        self.seen_files.append((f"{operation} {name}", f"{life.ended.mutations} {self.disk.age}"))
        for fault in life.trouble.disk:
            since = life.ended.files - fault.at
            if since >= 0 and (not fault.times or since < fault.times):
                if fault.kind == "crash":
                    self._die(life, f"before {operation} {name}")
                self._note(f"{operation} {name}: {fault.kind}")
                return fault.kind if fault.kind != "crash-after" else None
        return None

    def _after_file(self, operation: str, name: str) -> None:
        life = self._life()
        if life is None:
            return
        self._note(f"{operation} {name}")
        if any(fault.kind == "crash-after" and fault.at == life.ended.files for fault in life.trouble.disk):
            self._die(life, f"after {operation} {name}")
        if life.armed == "recorded" and operation == "sync-folder":
            self._die(life, "recorded")

    def _struck_down(self, life: _Live, fault: Fault) -> None:
        self._die(life, f"{fault.kind} at call {life.ended.calls}")

    def _die(self, life: _Live, where: str) -> None:
        """`kill -9`, or a power cut: nothing of the process goes on, not even what stands in `finally`."""
        self._note(f"killed: {where}")
        life.ended.crashed = where
        self.disk.dies(self._pid(), power=life.trouble.power)
        self.scheduler.kill(life.number)
        self.scheduler.halt()

    def _life(self) -> _Live | None:
        """Whose turn it is; None: the scenario's own."""
        return self._live.get(self.scheduler.current.group)

    def _sleep(self, seconds: float) -> None:
        if self.scheduler.is_known():
            self.scheduler.sleep(seconds)

    def _note(self, what: str) -> None:
        task = self.scheduler.current
        self.log.append(f"{self.scheduler.now():.3f} {task.group} {task.name} {what}")

    def _pid(self) -> int:
        return FIRST_PID + self.scheduler.current.group
