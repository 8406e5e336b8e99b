"""What changes in place and what is made again, kind by kind: `python -m eksprov.operations.commands.replacements`.

The table is made from the facts of the kinds and from what they say of their replacement, so it cannot promise another
thing than runs do; docs/replacement.md is its output, and a test compares the two.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator

from eksprov.core.convergence.external import External
from eksprov.core.replacement import forcing
from eksprov.core.step import AnyStep, Outputs
from eksprov.operations.kinds import KINDS

Kind = type[AnyStep]
ANY_SLUG = "cluster/namespace/name"  # has all the parts that any kind looks for

_HEAD = """\
# What changes in place, and what is made again

Made by `python -m eksprov.operations.commands.replacements > docs/replacement.md`; a test fails when it is stale.

`plan` shows with `-/+ replace` what would be made again, the fields that force it, in which order it goes and what is
down meanwhile. A change that cannot be made is shown as a problem with its reason; `provision` then stops before it has
changed anything, or leaves that resource as it is.

* **create first**: the new one stands beside the old one, under a name with a short hash of what cannot change in
  place, and is ready before the old one goes. EKS drains a node group's nodes as it deletes them; how long it waits for
  pods that a disruption budget keeps is bounded, and its own. Groups with `update_strategy: MINIMAL` (scarce nodes, so
  all with GPUs unless the config says otherwise) go the other way round: delete first.
* **delete first**: a name, range or address can be had only once, so the old one goes before the new one is made. What
  stands in it goes before it and is made again after it, in order. Where something stands on it that keeps for ever
  what it was made with (a cluster its subnets), nothing is changed and the error names it.
* **never**: what is in it would be lost. Set the old value again, or tear down and provision anew.

A run that is cut off in between goes on with the next one: nothing is left twice. `provision` needs the rights to
delete for all of this; `eksprov policy` has them.

The config's `tags:` change in place on every kind that has tags in AWS, beside the fields named here. No node is
replaced for a tag: running nodes are tagged with their disks and interfaces, the launch template gets a version that
differs in tags alone, and the Auto Scaling group hands the new tags on to the instances that it launches. What is not
reached: disks and interfaces of nodes that a group launches before its nodes are next replaced have the old tags, and
those instances a tag that has left the config; nodes of EKS Auto Mode, whose built-in node class is AWS's; Karpenter's
nodes are tagged by Karpenter, as its node class says.
"""


def table() -> str:
    rows = [_row(kind) for kind in KINDS if not issubclass(kind, External)]
    head = ["| kind | changes in place | forces a new one | how |", "|---|---|---|---|"]
    return "\n".join((_HEAD, *head, *rows, "", *_borrowed()))


def _row(kind: Kind) -> str:
    step = kind.from_record(kind.kind, ANY_SLUG)
    facts = step.desired(Outputs())
    forced = forcing(facts)
    in_place = [f.name for f in dataclasses.fields(facts) if f.compare and f.name not in forced]
    how = str(step.replacement) if forced else ""
    return f"| {kind.kind} | {_listed(in_place)} | {_listed(forced)} | {how} |"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _borrowed() -> Iterator[str]:
    names = ", ".join(kind.kind for kind in KINDS if issubclass(kind, External))
    yield f"Only looked at, never changed, because they are somebody else's: {names}."


if __name__ == "__main__":
    sys.stdout.write(table().rstrip("\n") + "\n")
