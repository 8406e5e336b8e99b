"""Which taints the pods of add-ons and controllers have to tolerate, and how an add-on is told to. Pure.

Deployments like coredns find no node where every node has a taint, as those with GPUs or Neuron devices have by
default; EKS then calls their add-ons DEGRADED after twenty minutes
(https://github.com/aws/containers-roadmap/issues/1389). So where no node is without taints, the pods tolerate
those that there are. DaemonSets tolerate all of them anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from eksprov.config.rules.pools import KEEPS_AWAY
from eksprov.steps.catalog.names import has_auto_mode
from eksprov.steps.catalog.nodes import shape_of
from eksprov.steps.node_groups.shape import TAINTS
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config

Toleration = Mapping[str, str]
# Where an add-on's own schema takes tolerations of its Deployment: coredns
# https://github.com/aws/containers-roadmap/issues/1930, EBS …/1706, the snapshot controller …/2311, EFS
# https://github.com/kubernetes-sigs/aws-efs-csi-driver/blob/master/charts/aws-efs-csi-driver/values.yaml, FSx
# https://github.com/kubernetes-sigs/aws-fsx-csi-driver/blob/master/charts/aws-fsx-csi-driver/values.yaml. Mountpoint's
# takes none (`eksprov.config.rules.addons`).
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "coredns": ("tolerations",),
    "metrics-server": ("tolerations",),
    "snapshot-controller": ("tolerations",),
    "aws-ebs-csi-driver": ("controller", "tolerations"),
    "aws-efs-csi-driver": ("controller", "tolerations"),
    "aws-fsx-csi-driver": ("controller", "tolerations"),
}
EFFECTS: Final = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute"}
OWN: Final[Toleration] = {"key": "CriticalAddonsOnly", "operator": "Exists"}  # what EKS's add-ons have anyway


def tolerations(config: Config, settled: Settled) -> tuple[Toleration, ...]:
    """One for each taint of the stack's nodes, where none of these is without; else none is needed.

    Accelerators' taints are always among them, with no nodes too: EKS takes no other configuration of an add-on while
    it waits for nodes, and the first may be such.
    """
    if has_auto_mode(config):
        return ()
    found = {(key, effect): _tolerating(key, effect) for key, _, effect in TAINTS.values()}
    for group in config.node_groups:
        taints = [taint for taint in shape_of(group, settled).taints if taint[2] in KEEPS_AWAY]
        if not group.desired_size and config.autoscaler != "cluster-autoscaler":
            continue  # it has no nodes, and nobody gives it any
        if not taints:
            return ()
        for key, _, effect in taints:
            found[key, effect] = _tolerating(key, effect)
    return tuple(found.values())


def _tolerating(key: str, effect: str) -> Toleration:
    return {"key": key, "operator": "Exists", "effect": EFFECTS[effect]}


def tolerating(addon: str, needed: tuple[Toleration, ...]) -> dict[str, Any]:
    """The configuration that makes the add-on's Deployment tolerate the taints; empty where there is nothing to say."""
    place = PLACES.get(addon, ())
    if not needed or not place:
        return {}
    value: Any = [dict(one) for one in (OWN, *needed)]
    for key in reversed(place):
        value = {key: value}
    return dict(value)


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """One configuration over the other, object by object."""
    both = {key: (ours[key], theirs[key]) for key in ours if key in theirs}
    inner = {key: merged(*pair) for key, pair in both.items() if all(isinstance(one, Mapping) for one in pair)}
    return {**ours, **theirs, **inner}
