"""Cut a live object down to the fields we set, so that what is wanted and what is can be compared. Pure.

An API server answers with more than was sent: defaults, status, what controllers and other managers added. Only the
paths that our manifest names are compared. It also answers the same in other words ("0.5" cores as "500m", "1024Mi"
as "1Gi"), so quantities are compared as numbers. Items of lists that Kubernetes merges by a key are matched by that
key, all other lists as a whole. A field that we stop sending is not seen here; the hash of the whole manifest, which
every object of ours carries as an annotation, shows it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

# Kubernetes' own suffixes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_SUFFIXES: Final = {
    **{"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3)},
    **{letter: Decimal(10 ** (3 * n)) for n, letter in enumerate("MGTPE", start=2)},
    **{f"{letter}i": Decimal(2 ** (10 * n)) for n, letter in enumerate("KMGTPE", start=1)},
}
_QUANTITY_MAPS: Final = frozenset({"requests", "limits", "hard"})
_QUANTITY_FIELDS: Final = frozenset({"sizeLimit", "averageValue"})
# The keys of lists that the API merges item by item (x-kubernetes-list-map-keys), for the kinds eksprov makes.
MERGE_KEYS: Final = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "volumeMounts": ("mountPath",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "containers.ports": ("containerPort",),
    "initContainers.ports": ("containerPort",),
    "spec.ports": ("port",),
}


def quantity(text: str | int | float) -> Decimal:
    """A Kubernetes quantity as a number: "500m" is 0.5, "1Gi" is 1073741824. Raises: ValueError."""
    number = str(text).strip()
    digits = number.rstrip("numkKMGTPEi")
    try:
        return Decimal(digits) * _SUFFIXES[number[len(digits) :]]
    except (InvalidOperation, KeyError) as error:
        raise ValueError(f"not a quantity: {text}") from error


def flat(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a manifest sets: one line a field, `spec.template.spec.containers[name=server].image` -> its value."""
    lines: dict[str, str] = {}
    _flatten(manifest, manifest, "", "", lines)
    return lines


def cut(live: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, str]:
    """The fields of `live` that `like` sets, in the form of `flat`; equal to `flat(like)` when nothing differs."""
    lines: dict[str, str] = {}
    _flatten(live, like, "", "", lines)
    return lines


def _flatten(live: Any, like: Any, path: str, parent: str, lines: dict[str, str]) -> None:
    """Write down what `live` has of the fields that `like` names; `parent` is the key that led here, twice over."""
    if isinstance(like, Mapping) and like and isinstance(live, Mapping):
        for key, wanted in like.items():
            if key in live and wanted is not None:
                below = f"{path}.{key}" if path else key
                _flatten(live[key], wanted, below, f"{parent.rpartition('.')[2]}.{key}", lines)
    elif isinstance(like, Mapping) and not like:
        lines[path] = "{}" if isinstance(live, Mapping) else _text(live, parent)
    elif (keys := _merge_keys(parent)) and isinstance(live, list | tuple) and isinstance(like, list | tuple):
        for wanted in like:
            item = next((one for one in live if all(one.get(k) == wanted[k] for k in keys)), None)
            if item is not None:
                label = ",".join(f"{k}={wanted[k]}" for k in keys)
                _flatten(item, wanted, f"{path}[{label}]", parent, lines)
    elif isinstance(like, list | tuple) and isinstance(live, list | tuple):
        _flatten_whole(live, like, path, parent, lines)
    else:
        lines[path] = _text(live, parent)


def _flatten_whole(live: Sequence[Any], like: Sequence[Any], path: str, parent: str, lines: dict[str, str]) -> None:
    """Item by item, whatever `live` has; an empty list leaves no line, as the API server keeps none."""
    for index, item in enumerate(live):
        wanted = like[index] if index < len(like) else item
        _flatten(item, wanted, f"{path}[{index}]", parent, lines)


def _merge_keys(parent: str) -> tuple[str, ...]:
    return MERGE_KEYS.get(parent) or MERGE_KEYS.get(parent.rpartition(".")[2], ())


def _text(value: Any, parent: str) -> str:
    above, _, key = parent.rpartition(".")
    if above in _QUANTITY_MAPS or key in _QUANTITY_FIELDS:
        with contextlib.suppress(ValueError):  # a schema has fields of these names too, whose values are no quantities
            return f"{quantity(value).normalize():f}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
