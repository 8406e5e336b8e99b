"""The schema as texts for people and editors: the commented file of `eksprov init`, and the JSON Schema.

Both are made from the schema itself, so a key can be in neither wrongly nor not at all. A key is written with its
default; lists of mappings, whose default is empty, show one commented entry with every key an entry may have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from eksprov.config.schema import Config, NodeGroup

_HEAD: Final = """\
# What eksprov makes. Only `name` is required; every other key shows its default.
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
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NOT_WORDS: Final = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
)  # to YAML 1.1, without quotes


def template(name: str = "my-stack") -> str:
    """The text of a commented config file; it loads as it is, with one node group and otherwise all defaults."""
    return "\n".join((_HEAD, *_lines(Config, {**_EXAMPLES, "name": name}), ""))


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


def _lines(model: type[BaseModel], examples: Mapping[str, Any], place: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{place}{name}"
        if not place:
            yield ""
        yield from _comment(_about(field))
        entry, listed = _entry(field.annotation), get_origin(field.annotation) is tuple
        if entry is None:
            yield f"{name}: {_plain(_value(key, field, examples))}"
        elif not listed:
            yield f"{name}:"
            yield from _indented(_lines(entry, examples, f"{key}."), "  ")
        else:
            shown = [line for line in _lines(entry, examples, f"{key}.") if line]
            item = list(_item(shown))
            if key == "node_groups":
                yield f"{name}:"
                yield from item
            else:
                yield f"# {name}:"
                yield from (f"# {line}" for line in item)


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
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, (str, int))]
    words = f" One of: {', '.join(map(str, choices))}." if choices else ""
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


def _plain(value: Any) -> str:
    """A value in flow style; JSON is YAML but for the quotes that plain words do not need."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _NOT_WORDS:
        return value
    return json.dumps(value)
