"""What pods ask of nodes, and whether a node would do: resources, labels, taints. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/ and
https://karpenter.sh/docs/concepts/nodepools/#spectemplatespecrequirements, whose operators are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eksprov.local.contract import Json
from eksprov.local.node.containers.environment import quantity
from eksprov.local.node.machine import GPU, NEURON

RESOURCES = ("cpu", "memory", "ephemeral-storage", "pods", GPU, NEURON)


@dataclass(frozen=True)
class Demand:
    """Amounts by resource, in the units of the API."""

    amounts: Mapping[str, Decimal]

    def __add__(self, other: Demand) -> Demand:
        return Demand({name: self[name] + other[name] for name in RESOURCES})

    def __getitem__(self, name: str) -> Decimal:
        return self.amounts.get(name, Decimal(0))

    def fits(self, allocatable: Mapping[str, str]) -> bool:
        """Whether a node that offers this much holds it."""
        return all(self[name] <= quantity(allocatable.get(name, "0")) for name in RESOURCES)


NOTHING = Demand({})


def demand(pod: Json) -> Demand:
    """The pod's requests: those of all containers together, or of the largest init container."""
    spec = pod["spec"]
    main = [_requests(one) for one in spec.get("containers", [])]
    first = [_requests(one) for one in spec.get("initContainers", [])]
    amounts = {}
    for name in RESOURCES:
        together = sum((one.get(name, Decimal(0)) for one in main), Decimal(0))
        amounts[name] = max(together, *(one.get(name, Decimal(0)) for one in first), Decimal(0))
    return Demand({**amounts, "pods": Decimal(1)})


def selects(pod: Json, labels: Mapping[str, str]) -> bool:
    """Whether the pod may run on a node with these labels: its selector and its required affinity."""
    spec = pod["spec"]
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms")
    return terms is None or any(holds(term.get("matchExpressions") or (), labels) for term in terms)


def tolerates(pod: Json, taints: Iterable[Mapping[str, str]]) -> bool:
    """Whether nothing among the taints keeps the pod away; a preference does not."""
    tolerations = pod["spec"].get("tolerations") or ()
    hard = (taint for taint in taints if taint.get("effect") != "PreferNoSchedule")
    return all(any(_tolerated(taint, one) for one in tolerations) for taint in hard)


def holds(requirements: Iterable[Mapping[str, Any]], labels: Mapping[str, str]) -> bool:
    """Whether labels meet every requirement (`key`, `operator`, `values`)."""
    return all(_met(one, labels.get(one["key"])) for one in requirements)


def _met(requirement: Mapping[str, Any], label: str | None) -> bool:
    values = [str(value) for value in requirement.get("values") or ()]
    match requirement["operator"]:
        case "In":
            return label in values
        case "NotIn":
            return label not in values
        case "Exists":
            return label is not None
        case "DoesNotExist":
            return label is None
        case "Gt":
            return _number(label) is not None and _number(label) > _number(values[0])  # type: ignore[operator]  # the API checks values
        case "Lt":
            return _number(label) is not None and _number(label) < _number(values[0])  # type: ignore[operator]  # the API checks values
        case _:
            return False


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _tolerated(taint: Mapping[str, str], toleration: Mapping[str, str]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", "")


def _requests(container: Json) -> dict[str, Decimal]:
    """A limit counts where nothing is requested."""
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: quantity(amount) for name, amount in asked.items()}
