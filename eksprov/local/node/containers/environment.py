"""A container's environment as Kubernetes defines it: `value`, `valueFrom`, `envFrom` and `$(NAME)` expansion.

https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
Pure: config maps and secrets are handed in, decoded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eksprov.local.contract import Json

_REFERENCE = re.compile(r"\$(\$|\(([^()$]+)\))")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
_SUFFIXES: dict[str, Decimal | int] = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "m": Decimal("0.001"),
}
_SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}


class ConfigMissingError(Exception):
    """A config map, secret or key that the container asks for does not exist (CreateContainerConfigError)."""


@dataclass(frozen=True)
class Sources:
    """Decoded data of the config maps and secrets a pod names; an absent name is an object that does not exist."""

    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace `$(NAME)` where NAME is known; `$$` is a literal `$`; unknown references stay."""

    def replace(match: re.Match[str]) -> str:
        if match.group(1) == "$":
            return "$"
        return known.get(match.group(2), match.group(0))

    return _REFERENCE.sub(replace, text)


def environment(container: Json, pod: Json, sources: Sources, status: Mapping[str, str]) -> dict[str, str]:
    """All variables of `container`, in order of definition.

    `status` has what the pod's status does not carry yet: podIP, hostIP. Raises ConfigMissingError.
    """
    result: dict[str, str] = {}
    for source in container.get("envFrom", []):
        result.update(_from_source(source, sources))
    for variable in container.get("env", []):
        value = _value(variable, container, pod, sources, status)
        if value is not None:
            result[variable["name"]] = expand(value, result) if "value" in variable else value
    return result


def _from_source(source: Json, sources: Sources) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for key, kind, objects in (
        ("configMapRef", "configmap", sources.config_maps),
        ("secretRef", "secret", sources.secrets),
    ):
        reference = source.get(key)
        if reference is None:
            continue
        data = objects.get(reference["name"])
        if data is None and not reference.get("optional", False):
            raise ConfigMissingError(f'{kind} "{reference["name"]}" not found')
        return {prefix + name: value for name, value in (data or {}).items()}
    return {}


def _value(variable: Json, container: Json, pod: Json, sources: Sources, status: Mapping[str, str]) -> str | None:
    origin = variable.get("valueFrom")
    if origin is None:
        return str(variable.get("value", ""))
    if "fieldRef" in origin:
        return field_of(pod, origin["fieldRef"]["fieldPath"], status)
    if "resourceFieldRef" in origin:
        return resource_of(container, origin["resourceFieldRef"])
    if "configMapKeyRef" in origin:
        return _keyed(origin["configMapKeyRef"], "configmap", sources.config_maps)
    if "secretKeyRef" in origin:
        return _keyed(origin["secretKeyRef"], "secret", sources.secrets)
    raise ConfigMissingError(f"the local world does not know valueFrom {sorted(origin)}")


def _keyed(reference: Json, kind: str, objects: Mapping[str, Mapping[str, str]]) -> str | None:
    data = objects.get(reference["name"])
    if data is not None and reference["key"] in data:
        return data[reference["key"]]
    if reference.get("optional", False):
        return None
    if data is None:
        raise ConfigMissingError(f'{kind} "{reference["name"]}" not found')
    raise ConfigMissingError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")


def field_of(pod: Json, path: str, status: Mapping[str, str]) -> str:
    metadata, spec = pod["metadata"], pod["spec"]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        return str(metadata.get(subscript.group(1), {}).get(subscript.group(2), ""))
    plain = {
        "metadata.name": metadata.get("name", ""),
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata.get("uid", ""),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": status.get("podIP", ""),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": status.get("hostIP", ""),
    }
    if path in plain:
        return str(plain[path])
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = metadata.get(path.rpartition(".")[2], {})
        return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))
    raise ConfigMissingError(f"the local world does not know the field {path}")


def resource_of(container: Json, reference: Json) -> str:
    """The downward API's `resourceFieldRef`: limits fall back to requests; rounded up to whole divisors."""
    group, _, name = reference["resource"].partition(".")
    resources = container.get("resources", {})
    amount = resources.get(group, {}).get(name) or resources.get("requests", {}).get(name) or "0"
    divisor = quantity(reference.get("divisor", "1")) or Decimal(1)
    return str(math.ceil(quantity(amount) / divisor))


def quantity(text: Any) -> Decimal:
    """A Kubernetes quantity as a number: "500m" is 0.5, "1Gi" is 1073741824."""
    match = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([KMGTPE]i|[mkMGTPE]?)", str(text))
    if match is None:
        raise ConfigMissingError(f"not a quantity: {text}")
    return Decimal(match.group(1)) * _SUFFIXES[match.group(2)]
