"""Rules of the local world."""

from __future__ import annotations

from collections.abc import Iterator

from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.schema import Config
from eksprov.local.faults.names import problem


def local(config: Config) -> Iterator[Finding]:
    for index, fault in enumerate(config.local.faults):
        message, hint = problem(fault)
        if message:
            yield finding(message, ("local", "faults", index), hint=hint)
    yield from twice(("local", "faults"), None, config.local.faults)
    if config.target == "aws" and "local" in config.model_fields_set:
        yield finding("has no effect while target is aws", ("local",), ("target",), level="warning")
