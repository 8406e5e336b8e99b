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


def tags(config: Config) -> Iterator[Finding]:
    for key, value in config.tags.items():
        at: Path = ("tags", key)
        if key.lower().startswith(("aws:", "eksprov:")):
            yield finding(f"tags that begin with {key.split(':')[0]}: cannot be set", at, hint="use another key")
        elif not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
            hint = "AWS takes letters, digits, spaces and _ . : / = + - @"
            yield finding(f"the tag {key!r} has a character that AWS does not take", at, hint=hint)
    folded = Counter(key.lower() for key in config.tags)  # IAM's tag keys do not differ by case
    for key in [key for key in config.tags if folded[key.lower()] > 1]:
        yield finding("differs from another tag by upper and lower case only; IAM refuses that", ("tags", key))
