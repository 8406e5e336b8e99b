"""The schema as texts for people and editors: the commented file of `eksprov init --full`, and the JSON Schema.

Both are made from the schema itself, so a key can be in neither wrongly nor not at all. A key is written with its
default; lists of mappings, whose default is empty, show one commented entry with every key an entry may have. A key
that the rules call without effect beside the others is a comment, too, so that the file is valid without a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from eksprov.config.load import examine_text
from eksprov.config.schema import Config, NodeGroup
from eksprov.config.starting import ABOUT_GPU, GPU_GROUP, PLAIN, PRIVATE, SCHEMA_LINE, Start, entry, plain

_HEAD: Final = f"""\
{SCHEMA_LINE}
# What eksprov makes. Only `name` is required; every other key shows its default, after a # where it has no effect here.
# `eksprov validate` checks this file, `eksprov plan` shows what it would change."""
# What a key without a default shows, and what an entry of a list shows. The quick start's values where it has them.
_EXAMPLES: Final[Mapping[str, Any]] = {
    "name": "my-stack",
    "node_groups.name": "workers",
    "node_groups.instance_types": ["m7i.large"],
    "node_groups.taints.key": "dedicated",
    "node_groups.taints.effect": "NO_SCHEDULE",
    "node_groups.fallbacks.capacity_type": "SPOT",
    "node_pools.name": "default",
    "node_pools.taints.key": "dedicated",
    "node_pools.taints.effect": "NO_SCHEDULE",
    "access.principal_arn": "arn:aws:iam::111122223333:role/admin",
    "access.policies.policy": "AmazonEKSViewPolicy",
    "addons.name": "aws-ebs-csi-driver",
    "models.name": "digits",
    "models.path": "examples/digits/model",
}
_WIDTH: Final = 118


def template(start: Start = PLAIN) -> str:
    """The text of a commented config file; it loads as it is, with its node groups and otherwise all defaults."""
    values = {**_EXAMPLES, "name": start.name, "region": start.region, **(PRIVATE if start.private else {})}
    if start.model:
        values["models.name"], values["models.path"] = start.model
    whole = _text(start, values, frozenset())
    idle = frozenset(re.sub(r"\[\d+\]", "", problem.path) for problem in examine_text(whole).warnings)
    return _text(start, values, idle)


def example() -> Config:
    """What `template()` loads as: the defaults and one node group."""
    group = NodeGroup(name=_EXAMPLES["node_groups.name"], instance_types=("m7i.large",))
    return Config(name=_EXAMPLES["name"], node_groups=(group,))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the config file (draft 2020-12), for editors that complete and check YAML by it."""
    schema = Config.model_json_schema()
    schema.pop("description", None)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "eksprov.yaml"}
    return {**schema, **head}


def _text(start: Start, values: Mapping[str, Any], idle: frozenset[str]) -> str:
    return "\n".join((_HEAD, *_lines(Config, _Said(values, idle, start)), ""))


@dataclass(frozen=True)
class _Said:
    """What keys show: values in place of defaults, the keys that are comments, and the lists that have entries."""

    values: Mapping[str, Any]
    idle: frozenset[str]
    start: Start

    def listed(self, key: str) -> bool:
        """Whether the list of that key has an entry that is no comment."""
        return key == "node_groups" or (key == "models" and self.start.model is not None)


def _lines(model: type[BaseModel], said: _Said, place: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not place:
            yield ""
        yield from _comment(_about(field))
        key = f"{place}{name}"
        lines = _key(name, key, field, said)
        yield from (f"# {line}" for line in lines) if key in said.idle else lines


def _key(name: str, key: str, field: FieldInfo, said: _Said) -> Iterator[str]:
    part = _entry(field.annotation)
    if part is None:
        yield f"{name}: {plain(_value(key, field, said.values))}"
        return
    below = _lines(part, said, f"{key}.")
    if get_origin(field.annotation) is not tuple:
        yield from (f"{name}:", *_indented(below, "  "))
        return
    lines = [f"{name}:", *_item([line for line in below if line])]
    if key == "node_groups" and said.start.gpu:
        lines += (f"  {ABOUT_GPU}", *entry(GPU_GROUP))
    yield from lines if said.listed(key) else (f"# {line}" for line in lines)


def _item(lines: list[str]) -> Iterator[str]:
    """Lines as one entry of a list; the dash stands before the first key, comments above it stay above."""
    first = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    for index, line in enumerate(lines):
        yield f"  - {line}" if index == first else f"{'  ' if index < first else '    '}{line}"


def _indented(lines: Iterator[str], by: str) -> Iterator[str]:
    return (f"{by}{line}" for line in lines if line)


def _comment(text: str) -> Iterator[str]:
    line = "#"
    for word in text.split():
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    yield line


def _about(field: FieldInfo) -> str:
    """The description, the allowed words where there are few, and the default where it is not written below."""
    settled = [choice for choice in get_args(field.annotation) if isinstance(choice, (str, int))]
    words = f" One of: {', '.join(map(str, settled))}." if settled else ""
    empty = " Default: []." if field.default == () and _entry(field.annotation) else ""
    return f"{field.description or ''}{words}{empty}"


def _entry(annotation: Any) -> type[BaseModel] | None:
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _value(key: str, field: FieldInfo, examples: Mapping[str, Any]) -> Any:
    if key in examples:
        return examples[key]
    if field.default_factory is not None:
        return field.get_default(call_default_factory=True, validated_data={})
    if field.default is PydanticUndefined:
        raise ValueError(f"{key} has neither a default nor an example")
    return field.default
