"""The settings of a control plane that the config leaves open: eksprov's defaults once, what is there ever after.

Who may reach the endpoint, how long a version is supported, what is logged and whether the cluster is protected are
things that others set too: a security team narrows the endpoint, an administrator protects the cluster. Where the
config says nothing of a key, the default counts when the cluster is made; later the live value stands, and a note says
so when it has changed. The record tells a key that was always left open (it follows) from one that has just left the
config (its default counts again). Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eksprov.config.schema import Config

FOLLOWED = (
    "endpoint_public_access",
    "endpoint_private_access",
    "public_access_cidrs",
    "support_type",
    "log_types",
    "deletion_protection",
)
PREFIX = "cluster."  # of a key in the record


def settled(
    config: Config, cluster: Mapping[str, Any] | None, recorded: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What counts for the keys that the config leaves open, as JSON by key, and notes of what others have changed.

    `cluster` is the stack's own as EKS describes it, or None. A key for which the default counts against a living
    cluster is left out.
    """
    live = _live(cluster) if cluster is not None else {}
    values, notes = dict[str, str](), list[str]()
    for key in FOLLOWED:
        if key in config.cluster.model_fields_set:
            continue
        default, before = _text(getattr(config.cluster, key)), recorded.get(PREFIX + key, "")
        if cluster is None:
            values[key] = default
        elif key in live and (before or not recorded):
            values[key] = live[key]
            if live[key] != (before or default) and not _is_everyone(config, key, live[key]):
                notes.append(f"cluster.{key} is {live[key]} by now, was {before or default}; the config leaves it open")
        elif live.get(key) == default:
            values[key] = default
    return values, tuple(notes)


def over(config: Config, values: Mapping[str, str]) -> Config:
    """The config with what counts for the keys that it leaves open, where that is not the default anyway."""
    open_keys = [key for key in FOLLOWED if key not in config.cluster.model_fields_set]
    told = {key: _value(values[key]) for key in open_keys if key in values}
    differing = {
        key: value
        for key, value in told.items()
        if value != _value(_text(getattr(config.cluster, key))) and not _is_everyone(config, key, values[key])
    }
    if not differing:
        return config
    return config.model_copy(update={"cluster": config.cluster.model_copy(update=differing)})


def from_record(recorded: Mapping[str, str]) -> dict[str, str]:
    """The values of a record."""
    return {key: recorded[PREFIX + key] for key in FOLLOWED if PREFIX + key in recorded}


def as_record(values: Mapping[str, str]) -> dict[str, str]:
    """The values as the record keeps them."""
    return {PREFIX + key: text for key, text in values.items()}


def _live(cluster: Mapping[str, Any]) -> dict[str, str]:
    """What the cluster has; the ranges count only while its endpoint is public."""
    vpc = cluster.get("resourcesVpcConfig", {})
    logging = cluster.get("logging", {}).get("clusterLogging", [])
    live = {
        "endpoint_public_access": vpc.get("endpointPublicAccess"),
        "endpoint_private_access": vpc.get("endpointPrivateAccess"),
        "public_access_cidrs": vpc.get("publicAccessCidrs") if vpc.get("endpointPublicAccess") else None,
        "support_type": cluster.get("upgradePolicy", {}).get("supportType"),
        "log_types": [kind for setup in logging if setup.get("enabled") for kind in setup.get("types", [])],
        "deletion_protection": cluster.get("deletionProtection"),
    }
    return {key: _text(value) for key, value in live.items() if value is not None}


def _is_everyone(config: Config, key: str, text: str) -> bool:
    """Of either family of addresses that the endpoint has: the default, which the config writes without IPv6's."""
    return key == "public_access_cidrs" and config.network.ipv6 and _value(text) == ("0.0.0.0/0", "::/0")


def _text(value: Any) -> str:
    return json.dumps(sorted(value) if isinstance(value, list | tuple) else value)


def _value(text: str) -> Any:
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value
