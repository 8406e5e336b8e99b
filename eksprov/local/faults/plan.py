"""A fault plan: what is to go wrong, as data that can be printed, stored and replayed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from eksprov.local.aws.conditions import USUAL, Conditions
from eksprov.local.aws.ec2.capacity import Shortage

# What a fault does to the calls it strikes. "crash" ends the caller, all others are answers (or none).
#   before AWS has done anything: crash, refuse, reset, hang
#   after AWS has done it:        crash-after, drop, hang-after, fail-after, twice, garble (`message` is the body)
KINDS: Final = frozenset(
    {"crash", "crash-after", "refuse", "reset", "hang", "drop", "hang-after", "fail-after", "twice", "garble"}
)
TERMINAL: Final = frozenset(
    {
        "addon",
        "cluster",
        "guardduty-endpoint",
        "leaked-interface",
        "left-load-balancer",
        "left-security-group",
        "left-volume",
        "nodegroup",
        "nodegroup-degraded",
        "nodegroup-delete",
        "update",
    }
)


@dataclass(frozen=True)
class Fault:
    """One fault.

    It strikes calls whose operation fits `operation` (a pattern such as "Create*"; with `mutating` only calls that
    change something count), from the `at`-th of them on, `times` times in all (0: from then on always). `code`,
    `message` and `status` are the error's; `delay_s` is how late a second delivery comes.
    """

    kind: str
    operation: str = "*"
    at: int = 1
    times: int = 1
    code: str = ""
    message: str = ""
    status: int = 400
    delay_s: float = 0.0
    mutating: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind!r}; there are {', '.join(sorted(KINDS))}")

    def fits(self, operation: str, *, mutating: bool) -> bool:
        """Whether a call is one of those that count."""
        return (mutating or not self.mutating) and fnmatchcase(operation, self.operation)


@dataclass(frozen=True)
class Lag:
    """How long, at most, AWS may hide what it has just made (seconds): from reads by id and by list, and in IAM.

    `flaps`: until then a reading may show it or not, as different replicas answer.
    """

    ec2_s: float = 0.0
    tags_s: float = 0.0
    iam_s: float = 0.0
    usable_s: float = 0.0
    flaps: bool = True


@dataclass(frozen=True)
class Fate:
    """A resource that ends badly: `of` is one of `TERMINAL`, `code` its health code; strikes the first `times`."""

    of: str
    code: str = "InternalFailure"
    message: str = "it failed on purpose"
    times: int = 1
    lasts_s: float = 0.0

    def __post_init__(self) -> None:
        if self.of not in TERMINAL:
            raise ValueError(f"no such fate: {self.of!r}; there are {', '.join(sorted(TERMINAL))}")


@dataclass(frozen=True)
class FaultPlan:
    """All that is to go wrong in one run. `buckets`: throttle as EC2 does; `noise`: the share of calls throttled.

    `conditions` are how the account is meanwhile.
    """

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    lag: Lag | None = None
    fates: tuple[Fate, ...] = ()
    buckets: bool = False
    noise: float = 0.0
    conditions: Conditions = USUAL

    def to_json(self) -> str:
        """The plan as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> FaultPlan:
        """The opposite of `to_json`. Raises: ValueError for anything else."""
        try:
            body: dict[str, Any] = json.loads(text)
            return cls(
                **{
                    **body,
                    "faults": tuple(Fault(**one) for one in body.get("faults", ())),
                    "fates": tuple(Fate(**one) for one in body.get("fates", ())),
                    "lag": Lag(**body["lag"]) if body.get("lag") else None,
                    "conditions": _conditions(body.get("conditions", {})),
                }
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a fault plan: {error}") from error

    def parts(self) -> tuple[FaultPlan, ...]:
        """The plans with one thing less, for finding the smallest that still fails."""
        fewer = [replace(self, faults=self.faults[:i] + self.faults[i + 1 :]) for i in range(len(self.faults))]
        fewer += [replace(self, fates=self.fates[:i] + self.fates[i + 1 :]) for i in range(len(self.fates))]
        fewer += [replace(self, lag=None)] if self.lag else []
        fewer += [replace(self, buckets=False)] if self.buckets else []
        fewer += [replace(self, noise=0.0)] if self.noise else []
        fewer += [replace(self, conditions=USUAL)] if self.conditions != USUAL else []
        return tuple(fewer)


def _conditions(body: dict[str, Any]) -> Conditions:
    short = tuple(Shortage(**one) for one in body.get("short", ()))
    return Conditions(**{**body, "short": short, "quotas": tuple((code, v) for code, v in body.get("quotas", ()))})


NOTHING: Final = FaultPlan()
