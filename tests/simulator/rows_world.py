"""Rows R6 to R15: what may happen to AWS, to the disk, and around a run."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from eksprov.local.faults import wire
from eksprov.local.faults.plan import Fate, Fault, FaultPlan, Lag
from simulator.drift_by_others import MEDDLINGS
from simulator.recording import BESIDE_COMMANDS, COMMANDS, Looking, Seen, some_crash
from simulator.scenario import Scenario
from simulator.trouble import DiskFault, Trouble


def r6(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Eventual consistency: what was just made is not found, not listed, has no tags; roles that nobody knows yet."""
    lags = {
        "short": Lag(ec2_s=5, tags_s=5, iam_s=5, usable_s=20),
        "middling": Lag(ec2_s=30, tags_s=30, iam_s=15, usable_s=60),
        "long": Lag(ec2_s=110, tags_s=110, iam_s=30, usable_s=170),
    }
    for number in range(max(3, seeds // 30)):
        seen = look.at("create", 61)
        for name, lag in lags.items():
            plan = FaultPlan(seed=number, lag=lag)
            steady = replace(plan, lag=replace(lag, flaps=False))
            for one, what in ((plan, "flapping"), (steady, "steady")):
                sure = name == "short"
                said = f"{name} lags, {what} ({number})"
                yield replace(seen.scenario("R6", said, Trouble(one), must_succeed=sure), seed=number)
    yield from _crash_and_lag(look, lags["long"])
    yield from _messages(look)


def _crash_and_lag(look: Looking, lag: Lag) -> Iterator[Scenario]:
    """A crash after each call, and a next run that is not shown what the first has made."""
    seen = look.at("create", 62)
    for n, name in enumerate(seen.changes, 1):
        plan = FaultPlan(seed=n, lag=replace(lag, flaps=False), faults=(Fault("crash-after", at=n, mutating=True),))
        yield seen.scenario("R6", f"crash after {name} ({n}), unseen", Trouble(plan), kind="lagging")
        yield seen.scenario(
            "R6", f"crash after {name} ({n}), unseen, teardown", Trouble(plan), kind="lagging", detail=("teardown",)
        )


ROLE_MESSAGES = {
    "CreateCluster": (
        "Role with arn: arn:aws:iam::123456789012:role/x, could not be assumed because it does not exist",
        "Error in role params",
        "Role could not be assumed because the trusted entity is not correct",
        "The provided role doesn't have the Amazon EKS Managed Policies associated with it",
        "IAM role's policy must include sts:AssumeRole",
    ),
    "CreateNodegroup": ("The role with name x does not exist", "Error in role params"),
    "CreateAccessEntry": ("The specified principalArn is invalid: invalid principal",),
    "CreatePodIdentityAssociation": ("Role provided in the request does not exist.",),
    "CreateAddon": ("Role does not exist",),
}


def _messages(look: Looking) -> Iterator[Scenario]:
    """Every message with which EKS says that IAM has not told it yet."""
    for operation, messages in ROLE_MESSAGES.items():
        phase = "deploy" if operation == "CreatePodIdentityAssociation" else "create"
        for message in messages:
            fault = Fault("refuse", operation, times=4, code="InvalidParameterException", message=message)
            trouble = Trouble(FaultPlan(faults=(fault,)))
            yield look.at(phase, 63).scenario("R6", f"{operation}: {message}", trouble, must_succeed=True)


HEALTH = (
    "AsgInstanceLaunchFailures", "NodeCreationFailure", "InstanceLimitExceeded", "InsufficientFreeAddresses",
    "AccessDenied", "IamNodeRoleNotFound", "Ec2SubnetInvalidConfiguration", "InternalFailure",
)  # fmt: skip


def r7(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Resources that end badly."""
    del seeds
    create, update, destroy = look.at("create", 71), look.at("update", 71), look.at("destroy", 71)
    for code in HEALTH:
        fate = Fate("nodegroup", code, f"said by EKS: {code}")
        yield create.scenario("R7", f"node group CREATE_FAILED: {code}", Trouble(FaultPlan(fates=(fate,))))
    others = (Fate("cluster", "InternalFailure"), Fate("addon", "AdmissionRequestDenied"))
    for fate in (*others, Fate("nodegroup-degraded", "AutoScalingGroupNotFound", lasts_s=10.0)):
        yield create.scenario("R7", f"{fate.of}: {fate.code}", Trouble(FaultPlan(fates=(fate,))), limit_s=2400.0)
    yield update.scenario("R7", "update Failed", Trouble(FaultPlan(fates=(Fate("update", times=2),))))
    leaks = ((0.0, "amazon-vpc-cni"), (60.0, "elb"), (300.0, "elb"), (900.0, "elb"))
    for lasts, who in leaks:
        fate = Fate("leaked-interface", who, "left behind", lasts_s=lasts)
        plan = FaultPlan(fates=(fate,))
        yield destroy.scenario("R7", f"interface of {who} leaves after {lasts:.0f} s", Trouble(plan), limit_s=2400.0)
    for left in ("left-load-balancer", "left-security-group"):
        plan = FaultPlan(fates=(Fate(left),))
        yield destroy.scenario("R7", f"{left}, of a cluster that has gone", Trouble(plan), limit_s=2400.0)
    fate = Fate("nodegroup-delete", "Ec2SecurityGroupDeletionFailure")
    yield destroy.scenario("R7", "node group DELETE_FAILED", Trouble(FaultPlan(fates=(fate,))), limit_s=2400.0)
    for phase, seen in (("destroy", destroy), ("update", update)):
        for operation in sorted({name for name in seen.changes if name.startswith(("Delete", "Update"))}):
            busy = Fault(
                "refuse", operation, times=3, code="ResourceInUseException", message="Update in progress", status=409
            )
            if operation.endswith(("Cluster", "Nodegroup", "ClusterConfig", "NodegroupConfig", "Addon")):
                trouble = Trouble(FaultPlan(faults=(busy,)))
                yield seen.scenario("R7", f"{phase}, {operation} while another is in progress", trouble)


def r8(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The caller may not, its credentials are too old, a quota is reached: at every call, from then on."""
    del seeds
    for phase in COMMANDS:
        seen = look.at(phase, 81)
        for n, name in enumerate(seen.calls, 1):
            if name.startswith("Kube"):
                continue
            kinds = ("denied", "expired") if n % 2 else ("denied",)
            for kind in kinds:
                fault = Fault("refuse", at=n, times=0 if kind == "expired" else 1, code=kind)
                yield seen.scenario("R8", f"{kind} at {name} ({n})", Trouble(FaultPlan(faults=(fault,))))
        for operation in sorted({name for name in seen.changes if name in wire.QUOTA}):
            code, status = wire.QUOTA[operation]
            fault = Fault("refuse", operation, times=0, code=code, message="limit exceeded", status=status)
            yield seen.scenario("R8", f"quota at {operation}", Trouble(FaultPlan(faults=(fault,))))


def r9(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The disk is full, broken, read-only or cuts a write short, once or for good; and a state that is damaged.

    Each of the first three operations on a file, and of the others every second one, goes wrong in one of six ways.
    """
    del seeds
    for phase in COMMANDS:
        seen = look.at(phase, 91)
        met: Counter[str] = Counter()
        for n, name in enumerate(seen.files, 1):
            met[name] += 1
            if met[name] > 3 and n % 2:
                continue
            kinds = ("ENOSPC", "EIO", "short") if name.startswith("write") else ("ENOSPC", "EIO", "EROFS")
            kind, times = kinds[met[name] % 3], (met[name] // 3) % 2
            trouble = Trouble(disk=(DiskFault(kind, n, times),))
            yield seen.scenario("R9", f"{kind} at {name} ({n}){'' if times else ', for good'}", trouble)
        for damage in DAMAGES:
            yield seen.scenario("R9", f"state {damage}", Trouble(), kind="damage", detail=(damage,))


DAMAGES = ("missing", "torn", "flipped", "empty", "newer", "older", "foreign", "journal torn", "backup damaged")


def r10(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Two processes at once, the holder of the lock killed."""
    chance = random.Random("R10")
    pairs = (("empty", "provision", "provision"), ("empty", "provision", "teardown"), ("made", "teardown", "teardown"),
             ("made", "teardown", "provision"), ("made", "provision", "deploy"))  # fmt: skip
    for number in range(max(10, seeds // 5)):
        base, first, second = pairs[number % len(pairs)]
        delay = chance.choice((0.0, 0.0, chance.uniform(0, 5), chance.uniform(0, 40)))
        killed = Trouble()
        if number % 3 == 0:
            phase = "create" if base == "empty" else "destroy" if first == "teardown" else "update"
            killed = some_crash(chance, look.at(phase, 101))
        name = f"{first} and {second} {delay:.1f} s later ({number}){', the first is killed' * (killed != Trouble())}"
        detail = (second, str(delay))
        yield Scenario("R10", name, number, base, first, (killed,), kind="race", detail=detail)


def r11(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Drift of every sort, and runs without any."""
    del look
    for what, (_, expected) in MEDDLINGS.items():
        yield Scenario("R11", what, 111, "made", kind="drift", detail=(what, expected))
    for number in range(max(5, seeds // 10)):
        base, command = (("made", "provision"), ("served", "deploy"))[number % 2]
        yield Scenario("R11", f"nobody meddled ({number})", number, base, command, kind="clean")


STEPS = ("provision", "provision", "provision", "teardown", "deploy", "undeploy", "edit:larger", "edit:second-group",
         "lose-state", "wait:90", "together:provision")  # fmt: skip


def r12(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Programs by chance: commands, edits, losses, and trouble of every sort."""
    seen = look.at("create", 121)
    for number in range(seeds):
        chance = random.Random(f"R12 {number}")
        detail, troubles = ["provision"], [_any_trouble(chance, seen)]
        for _ in range(chance.randint(0, 3)):
            step = chance.choice(STEPS)
            if step.startswith("edit") and any(one.startswith("edit") for one in detail):
                continue  # one edit a program: the worlds to compare with are made beforehand
            detail.append(step)
            troubles.append(_any_trouble(chance, seen) if chance.random() < 0.6 else Trouble())
        yield Scenario("R12", f"program {number}", number, "empty", "provision", tuple(troubles), "program",
                       detail=tuple(detail))  # fmt: skip


def _any_trouble(chance: random.Random, seen: Seen) -> Trouble:
    if chance.random() < 0.35:
        return some_crash(chance, seen)
    faults: list[Fault] = []
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(1, len(seen.changes))
        kind = chance.choice(("drop", "hang-after", "fail-after", "reset", "throttle", "denied", "expired", "crash"))
        if kind in ("throttle", "denied", "expired"):
            faults.append(Fault("refuse", at=at, times=chance.randint(1, 3), code=kind))
        else:
            faults.append(Fault(kind, at=at, mutating=True))
    lag = Lag(ec2_s=20, tags_s=20, iam_s=5, usable_s=60) if chance.random() < 0.3 else None
    plan = FaultPlan(chance.randrange(10**6), tuple(faults), lag, noise=chance.choice((0.0, 0.0, 0.02)))
    disk: tuple[DiskFault, ...] = ()
    if chance.random() < 0.25:
        kind = chance.choice(("ENOSPC", "EIO", "short"))
        disk = (DiskFault(kind, chance.randint(1, len(seen.files)), chance.choice((1, 1, 0))),)
    return Trouble(plan, disk, power=chance.random() < 0.5)


def r15(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A namesake in another region and a longer name stand beside the stack: a crash at each change, the state lost."""
    del seeds
    for phase in BESIDE_COMMANDS:
        seen = look.at(phase, 151)
        for n, name in enumerate(seen.changes, 1):
            plan = FaultPlan(faults=(Fault(("crash", "crash-after")[n % 2], at=n, mutating=True),))
            for lost in (False, True):
                said = f"crash at {name} ({n}){', the state lost' * lost}"
                detail = ("lose-state",) * lost
                yield seen.scenario("R15", said, Trouble(plan), kind="beside", detail=detail, limit_s=2400.0)


GARBAGE = ("<html>Please log in to the hotel's network</html>", "", "{", "<a><b>")


def r14(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Answers that are not AWS's: no traceback, and the next run is fine."""
    chance = random.Random("R14")
    for number in range(max(10, seeds // 5)):
        seen = look.at(list(COMMANDS)[number % len(COMMANDS)], 141)
        at = chance.choice([n for n, name in enumerate(seen.calls, 1) if not name.startswith("Kube")])
        body = chance.choice(GARBAGE)
        plan = FaultPlan(faults=(Fault("garble", at=at, message=body, times=chance.choice((1, 3))),))
        yield seen.scenario("R14", f"{body[:6]!r} for {seen.calls[at - 1]} ({at})", Trouble(plan))
