"""The short file that `eksprov init` writes, and what any file it writes begins with and may be asked for.

The first line tells editors with a YAML language server, by a path relative to the file, which schema it keeps to
(https://github.com/redhat-developer/yaml-language-server#using-inlined-schema); `init` writes that schema beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

SCHEMA_FILE: Final = "eksprov.schema.json"
SCHEMA_LINE: Final = f"# yaml-language-server: $schema={SCHEMA_FILE}"
# Driver, device plugin, taint and disk follow from the type.
GPU_GROUP: Final[Mapping[str, Any]] = MappingProxyType(
    {"name": "gpu", "instance_types": ["g6.xlarge"], "desired_size": 1, "min_size": 0}
)
ABOUT_GPU: Final = "# GPU nodes: driver, device plugin, taint and disk follow from the type."
# No way to the internet and none from it. Values by key, as in the file.
PRIVATE: Final[Mapping[str, Any]] = MappingProxyType(
    {"network.nat_gateways": "none", "network.private_endpoints": True, "cluster.endpoint_public_access": False}
)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NOT_WORDS: Final = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
)  # to YAML 1.1, without quotes


@dataclass(frozen=True)
class Start:
    """What a first file is asked for; `model` is a model's name and its folder, or None where there is none yet."""

    name: str = "my-stack"
    region: str = "us-west-2"
    gpu: bool = False
    private: bool = False
    model: tuple[str, str] | None = None


PLAIN: Final = Start()


def short(start: Start) -> str:
    """The text of a config with the keys that most people touch; each stands alone on its line."""
    return "\n".join((*_lines(start), ""))


def plain(value: Any) -> str:
    """A value in flow style; JSON is YAML but for the quotes that plain words do not need."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(plain, value))}]"
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _NOT_WORDS:
        return value
    return json.dumps(value)


def entry(values: Mapping[str, Any]) -> Iterator[str]:
    """One entry of a list, in block style."""
    for index, (key, value) in enumerate(values.items()):
        yield f"  {'  ' if index else '- '}{key}: {plain(value)}"


def _lines(start: Start) -> Iterator[str]:
    yield from (SCHEMA_LINE, "# A stack on Amazon EKS; `eksprov init --full` writes a file with every key.")
    yield from (f"name: {plain(start.name)}", f"region: {plain(start.region)}")
    yield from ("# local is this machine and free; aws is the real thing.", "target: local")
    if start.private:
        yield from ("", "# No way to the internet: nodes reach AWS by endpoints; kubectl needs a way into the VPC.")
        section = ""
        for key, value in PRIVATE.items():
            head, name = key.split(".")
            yield from () if head == section else (f"{head}:",)
            yield f"  {name}: {plain(value)}"
            section = head
    yield from ("", "node_groups:")
    yield from entry({"name": "workers", "instance_types": ["m7i.large"], "desired_size": 2})
    if start.gpu:
        yield from (f"  {ABOUT_GPU}", *entry(GPU_GROUP))
    yield ""
    if start.model:
        name, path = start.model
        yield from ("models:", *entry({"name": name, "path": path}))
    else:
        yield "# There is no model yet: put one into a folder below this file, like this one, and uncomment:"
        yield from ("# models:", *(f"# {line}" for line in entry({"name": "my-model", "path": "models/my-model"})))
