"""The runtimes by the names that the config gives them: each is the module of its name, with a `RUNTIME`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from eksprov import errors
from eksprov.config.schema.models import RUNTIME_NAMES
from eksprov.serving.runtimes.base import Runtime


def _load(name: str) -> Runtime:
    found: Runtime = importlib.import_module(f"eksprov.serving.runtimes.{name.replace('-', '_')}").RUNTIME
    return found


RUNTIMES: Final[Mapping[str, Runtime]] = MappingProxyType({name: _load(name) for name in RUNTIME_NAMES})


def runtime(name: str) -> Runtime:
    """The runtime of that name. Raises: UsageError naming those there are."""
    if name not in RUNTIMES:
        raise errors.UsageError(f"there is no runtime {name!r}", f"runtimes: {', '.join(RUNTIMES)}")
    return RUNTIMES[name]
