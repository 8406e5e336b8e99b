"""Rules of tags."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding
from eksprov.config.schema import Config

_TAG: Final = re.compile(r"[\w .:/=+@-]*")
# AWS's and EKS's own, and what eksprov itself writes: on everything, on subnets, on Auto Scaling groups.
_TAKEN: Final = ("aws:", "eks:", "eksprov:", "kubernetes.io/role/", "k8s.io/cluster-autoscaler/")


def tags(config: Config) -> Iterator[Finding]:
    for key, value in config.tags.items():
        at: Path = ("tags", key)
        taken = next((prefix for prefix in _TAKEN if key.lower().startswith(prefix)), "")
        if taken:
            yield finding(f"tags that begin with {taken} cannot be set", at, hint="use another key")
        elif key.lower() == "name":
            yield finding("the tag Name cannot be set: each resource has its own", at, hint="use another key")
        elif not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
            hint = "AWS takes letters, digits, spaces and _ . : / = + - @"
            yield finding(f"the tag {key!r} has a character that AWS does not take", at, hint=hint)
    folded = Counter(key.lower() for key in config.tags)  # IAM's tag keys do not differ by case
    for key in [key for key in config.tags if folded[key.lower()] > 1]:
        yield finding("differs from another tag by upper and lower case only; IAM refuses that", ("tags", key))
