"""What the laws want to know of a kind of AWS, as one value: `CASE` in `tests/cases/<kind>.py`.

It is written beside the kind and without it: with plain boto3 and in AWS's own words. Where a law does not look at a
kind, its case says why, in the place of what is missing; so nothing is left out by forgetting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eksprov.aws.session import Aws
from eksprov.core.step import AnyStep, Outputs
from support.memory import Memory

Client = Callable[[str], Any]
"""From a service's name to its plain boto3 client, whose methods boto3 makes only as it goes."""
Item = Mapping[str, Any]
"""One resource or one call's parameters, in AWS's own words."""
Read = Callable[[Client], Iterable[Item]]


@dataclass
class Made:
    """The steps of a stack that stands, with what others need to lay hands on it: boto3 and the steps' outputs."""

    steps: tuple[AnyStep, ...]
    outputs: Outputs
    client: Client
    aws: Callable[[], Aws]  # as the stack's next process would have it

    def id(self, step: AnyStep) -> str:
        """A step's id."""
        return self.outputs.get(step.name, "id")

    def arn(self, step: AnyStep) -> str:
        """A step's ARN."""
        return self.outputs.get(step.name, "arn")


Change = Callable[[Made, AnyStep], object]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A type of resource in EC2 or EKS, whose calls name it in their parameters.

    `resource` is its word in ARNs ("natgateway"), `made_by` the operation that makes one ("CreateNatGateway"), and
    `told_by` what tells that a call is about one: in EC2 the beginning of its id ("nat"), in EKS a parameter's name
    ("nodegroupName"). Empty: no call tells it.
    """

    resource: str
    made_by: str
    told_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Iam:
    """What is asked of IAM when a kind's calls are made
    (https://docs.aws.amazon.com/service-authorization/latest/reference/).

    `creates` are the actions that the making of one asks for, `tag_action` the one that it asks for because of the
    tags that it sends along (empty: none; EC2's is the same for all). `otherwise` has the operations whose actions
    bear other names, or that ask for several; `arns` tells from a call's parameters what it is about, where a service
    knows one type of resource.

    `unseen` has actions that are allowed although no scenario calls them, and what for. `wide` and `untagged` have the
    rights that are wider than their resources and the stack's tag could make them: a pattern of the resources, and why.
    """

    service: str
    creates: tuple[str, ...]
    tag_action: str = ""
    thing: Thing | None = None
    otherwise: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arns: Callable[[Item], Sequence[str]] | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)
    wide: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    untagged: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KindCase:
    """All that the tests know of a kind.

    `read` lists what the account holds of it. `drifts` has, for each compared field that changes in place, what
    somebody else does to it, or why nobody does it here; or the file of tests that does all of it. `untag` takes our
    tags off one that is named, so that it is a stranger's under our name. `alike` makes some under names that begin
    like those of the stack whose name it is given. Each may be a text instead: why there is none.

    `peek` reads some members of each without a call, for the simulator, which does so a thousand times; with an id and
    the tags. A kind that has none is read there with calls, and less often.
    """

    kind: type[AnyStep]
    read: Read | str
    drifts: Mapping[str, Change | str] | str
    untag: Change | str
    asks: Iam | str
    alike: Callable[[Client, str], object] | None = None
    peek: Callable[[Memory], Iterable[Item]] | None = None
    usual: Callable[[AnyStep], bool] = lambda _: True  # which steps may stand for the kind; the last of them does
    mended_too: str = ""  # a step whose drift is mended too, as its calls are other ones
    looks_at: frozenset[str] = frozenset()  # beside name and slug: fields its reading looks at, and why
    held: bool = False  # what stands in one or beside one keeps it from being made again
    in_cluster: bool = False  # EKS keeps it by its cluster
    in_every_region: bool = False  # the account shows it wherever one asks
    aws_makes_some: bool = False  # by itself, beside a stack's: a VPC's main route table, the nodes' access entry

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.kind.kind

    def of(self, made: Made) -> AnyStep:
        """The step that stands for the kind."""
        return [step for step in made.steps if step.kind == self.name and self.usual(step)][-1]
