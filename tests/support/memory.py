"""The emulated account's memory, for readings that make no call: moto's backends, and the clusters beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict

ACCOUNT, REGION = "123456789012", "us-west-2"
OF_IPV6 = re.compile(r"\b[0-9a-f]{4}(:[0-9a-f]{0,4}){2,}/\d+")  # ranges, which AWS chooses
# What EKS or its emulation chooses anew each time.
LEFT_OUT = frozenset({"createdAt", "modifiedAt", "clientRequestToken", "certificateAuthority", "identity", "health"})


@dataclass(frozen=True)
class Memory:
    """What is in the account. moto's objects are taken as they are: their types are its own affair."""

    clusters: Callable[[], Iterable[Any]]

    def of(self, service: str, region: str = REGION) -> Any:
        """moto's backend of a service in a region; of what is the whole account's, in "aws"."""
        backends: BackendDict[Any] = get_backend(service)  # type: ignore[call-overload]  # of any service
        return backends[ACCOUNT][region]


def tags_in_ec2(resource: Any) -> dict[str, str]:
    """The tags of one of moto's resources of EC2."""
    return {tag["key"]: tag["value"] for tag in resource.get_tags()}


def shape(kind: str, item: Any) -> dict[str, Any]:
    """What the emulated EKS says of a resource, with an id that tells it from others."""
    said = {key: value for key, value in item.shape.items() if key not in LEFT_OUT}
    return {
        "id": "/".join((kind, *(str(said.get(key, "")) for key in ("clusterName", "name", "nodegroupName")))),
        **said,
    }
