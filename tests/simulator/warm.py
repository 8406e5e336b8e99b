"""What every scenario begins with and none should have to build: an account, its clients, and neighbours in it.

Made once a process, before anything is forked from it. The account holds somebody else's resources, so that "nobody
else's was touched" can be seen.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moto.core.models import botocore_stubber
from support.account import REGION
from support.cheaper import make_requests_cheaper
from support.clock import VirtualClock
from support.kubernetes import StillKubernetes
from support.memory_journal import MemoryJournal
from support.prices import PRODUCTS
from support.requests_held import hold_requests
from support.services import SERVICES
from support.stage import BEGINNING, MemoryStore, project, quick_start, reserve
from support.world import world

from eksprov.aws.inventory import Inventory
from eksprov.aws.session import Aws
from eksprov.core.step import Owner
from eksprov.local.aws.calls import is_mutating
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.inprocess import emulated_aws
from eksprov.local.faults.inject import CarryOut
from eksprov.local.faults.wire import Asked
from eksprov.operations.commands.models import deploy, undeploy
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.stack import Stack, open_stack
from eksprov.steps.identity.iam_role import trust_document
from simulator.cheaper import answered, leave_out_what_nobody_sees
from simulator.full_stacks import WHOLES, whole
from simulator.neighbours import ELSEWHERE
from simulator.scheduler import Scheduler

SPEED = 50.0  # the emulated account is that much faster than eksprov expects: fewer polls, the same calls otherwise
CANARY = "canary0secret0key0that0must0show0up0nowhere"
SIGNING = {
    "auto-scaling": "autoscaling",
    "cloudwatch-logs": "logs",
    "elastic-load-balancing": "elasticloadbalancing",
    "elastic-load-balancing-v2": "elasticloadbalancing",
}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": CANARY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass
class Warm:
    """The account. `around` is who stands between clients and emulator; a scenario sets it, and the scheduler."""

    emulator: LocalAws
    kubernetes: StillKubernetes
    aws: Aws
    plain: dict[str, Any]
    folder: Path
    scheduler: Scheduler
    session: Any
    around: Any = None
    minted: int = 0
    rights: dict[str, Any] = field(default_factory=dict)  # worlds that undisturbed runs make
    elsewhere: Any = None  # as `aws`, in another region
    neighbours: list[Any] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)

    def client(self, service: str) -> Any:
        """A plain one, of whatever service."""
        if service not in self.plain:
            self.plain[service] = self.session.client(service)
        return self.plain[service]

    def mint(self) -> str:
        """A new stack id."""
        self.minted += 1
        return f"{0x5AC1A1D50000 + self.minted:016x}"

    def carry(self, call: Asked, carry_out: CarryOut) -> Any:
        """One request on its way to the emulator."""
        return carry_out() if self.around is None else self.around(call, carry_out)


def warmed(folder: Path, speed: float = SPEED) -> Warm:
    """Build it; the process is the simulator's own from here on."""
    import botocore.endpoint

    make_requests_cheaper()
    leave_out_what_nobody_sees()
    os.environ.update(CREDENTIALS)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    holder, stack = list[Warm](), ExitStack()

    def now() -> float:
        return holder[0].scheduler.now() if holder else BEGINNING

    kubernetes = StillKubernetes(now)
    emulator = stack.enter_context(emulated_aws(kubernetes, now, speed, role_lag=True, products=PRODUCTS))
    operation = threading.local()
    _answered_here(emulator, operation, lambda call, carry_out: holder[0].carry(call, carry_out))
    scheduler = Scheduler("warm", BEGINNING)
    hold_requests()
    session, far = (_session(region, operation) for region in (REGION, ELSEWHERE))
    aws: Any = None  # its clock asks the account, so that one comes first
    warm = Warm(emulator, kubernetes, aws, {}, folder, scheduler, session, stack=stack)
    holder.append(warm)
    warm.aws = Aws.connect(session, Owner(quick_start().name, ""), _Clock(warm))
    warm.elsewhere = Aws.connect(far, warm.aws.owner, warm.aws.clock)
    for service in SERVICES:
        for aws in (warm.aws, warm.elsewhere):
            aws.clients.get(service)
            aws.once.get(service)
    world(warm.client)
    for name in WHOLES:
        reserve(emulator, whole(name))
    botocore.endpoint.time = _Pauses(warm)  # type: ignore[attr-defined]  # what botocore waits with
    _neighbours(warm.plain)
    _exercise(warm)
    gc.collect()
    gc.freeze()  # what is shared with the forked stays shared
    gc.disable()
    return warm


def _session(region: str, operation: Any) -> Any:
    import boto3

    session = boto3.Session(region_name=region)
    session.events.register_first("before-send", lambda event_name, **_: setattr(operation, "name", event_name))
    return session


def _answered_here(emulator: LocalAws, operation: Any, carry: Callable[[Asked, CarryOut], Any]) -> None:
    """Every request goes through `carry`; what it is, botocore has said already, so nothing is parsed twice."""

    def process_request(request: Any) -> Any:
        _, service, name = operation.name.split(".")
        body = request.body if service != "s3" and isinstance(request.body, str | bytes) else ""
        text = body.decode() if isinstance(body, bytes) else body
        call = Asked(SIGNING.get(service, service), name, is_mutating(name), request.url, text)

        def carry_out() -> Any:
            emulator.advance()
            return answered(request)

        return carry(call, carry_out)

    botocore_stubber.process_request = process_request  # type: ignore[method-assign]  # for good


def _exercise(warm: Warm) -> None:
    """Make and unmake a stack once, so that nothing is imported, parsed or cached in a forked process."""
    config, clock = quick_start(), VirtualClock(BEGINNING)
    began = warm.scheduler
    warm.scheduler = clock  # type: ignore[assignment]  # no more than the time is asked of it
    store, journal = MemoryStore(config.name), MemoryJournal()

    def stack() -> Stack:
        aws = replace(warm.aws, clock=clock, inventory=Inventory())
        api: Any = next(iter(warm.kubernetes.apis.values()), None)
        return Stack(config, project(), aws, store, journal, clock, lambda *_: api, workers=1, together=_one_by_one)

    names = [model.name for model in config.models]
    assert provision(open_stack(stack(), mint=True)).ok
    assert deploy(open_stack(stack(), mint=False), names).report.ok
    assert undeploy(open_stack(stack(), mint=False), names).ok
    assert teardown(open_stack(stack(), mint=False)).ok
    clock.sleep(7200)  # until EC2 forgets the NAT gateway
    warm.plain["ec2"].describe_nat_gateways()
    warm.scheduler = began


def _one_by_one(act: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [act(item) for item in items]


class _Clock:
    def __init__(self, warm: Warm) -> None:
        self._warm = warm

    def now(self) -> float:
        """Virtual."""
        return self._warm.scheduler.now()

    def sleep(self, seconds: float) -> None:
        """Virtual."""
        self._warm.scheduler.sleep(seconds)


class _Pauses:
    """What botocore pauses between two attempts passes in virtual time."""

    def __init__(self, warm: Warm) -> None:
        self._warm = warm

    def sleep(self, seconds: float) -> None:
        """Virtual, where a thread of ours asks."""
        if self._warm.scheduler.is_known() and self._warm.around is not None:
            self._warm.scheduler.sleep(seconds)

    def time(self) -> float:
        """The real one."""
        import time

        return time.time()


def _neighbours(plain: dict[str, Any]) -> None:
    """Another stack of ours, and things nobody tagged."""
    theirs = [{"Key": "eksprov:stack", "Value": "other"}, {"Key": "eksprov:stack-id", "Value": "f" * 16}]
    tags = [*theirs, {"Key": "eksprov:step", "Value": "vpc"}]
    for specification in ([{"ResourceType": "vpc", "Tags": tags}], []):
        vpc = plain["ec2"].create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)["Vpc"]["VpcId"]
        plain["ec2"].create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    plain["ec2"].create_internet_gateway()
    plain["ec2"].allocate_address(Domain="vpc")
    trust = trust_document("ec2.amazonaws.com", ["sts:AssumeRole"])
    plain["iam"].create_role(RoleName="quickstart-us-west-2-other", AssumeRolePolicyDocument=trust)
    where = {"LocationConstraint": REGION}
    plain["s3"].create_bucket(Bucket="quickstart-models", CreateBucketConfiguration=where)
    plain["logs"].create_log_group(logGroupName="/aws/eks/quickstart-2/cluster")
    plain["ecr"].create_repository(repositoryName="quickstart-2/models")
