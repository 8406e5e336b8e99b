"""Laws of the texts made from the schema: nothing is missing, nothing is wrong, and they load."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from eksprov.config.check import check
from eksprov.config.load import examine_text, load, parse
from eksprov.config.schema import Config
from eksprov.config.schema.base import CIDR, NAME, PATTERNS_IN_WORDS
from eksprov.config.starting import Start
from eksprov.config.template import example, json_schema, template

ROOT = Path(__file__).parents[2]


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all below it."""
    yield model
    for field in model.model_fields.values():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from models(kind)


def test_the_template_loads_as_the_defaults_and_breaks_no_rule() -> None:
    assert parse(template(), "eksprov.yaml") == example()
    assert check(example()) == []


def test_a_key_without_effect_is_a_comment_until_it_has_one() -> None:
    def idle(text: str) -> set[str]:
        return {
            key for key in ("kms_key_deletion_days", "reuse_on_scale_in") if re.search(rf"^ *# {key}: ", text, re.M)
        }

    assert idle(template()) == {"kms_key_deletion_days", "reuse_on_scale_in"}
    assert examine_text(template(Start(private=True, gpu=True))).problems == ()


def test_every_key_stands_in_the_template_with_its_description() -> None:
    text = " ".join(re.sub(r"^[ #-]+", "", line) for line in template().splitlines())
    for model in models(Config):
        for name, field in model.model_fields.items():
            assert f"{name}:" in text
            assert field.description, f"{model.__name__}.{name} has no description"
            assert field.description in text


def test_the_commented_entries_load_once_they_are_uncommented() -> None:
    lines = [re.sub(r"^( *)# ( *(?:- )?[a-z_]+:(?: \S.*)?)$", r"\1\2", line) for line in template().splitlines()]
    config = parse("\n".join(lines), "eksprov.yaml")
    assert (len(config.access), len(config.addons), len(config.models)) == (1, 1, 1)
    assert len(config.node_groups[0].taints) == 1


@pytest.mark.parametrize("name", ["a", "no", "on", "null", "y", "e1"])
def test_the_template_loads_under_any_good_name(name: str) -> None:
    assert parse(template(Start(name))).name == name


def test_the_quick_start_is_short_and_its_keys_stand_alone() -> None:
    text = (ROOT / "eksprov.yaml").read_text()
    config = load(ROOT / "eksprov.yaml")
    assert len(text.splitlines()) < 25
    assert (config.target, config.models[0].name) == ("local", "digits")
    for key in ("name", "region", "target", "instance_types", "desired_size"):
        alone = [line for line in text.splitlines() if re.fullmatch(rf"\s*{key}: [^#]+", line)]
        assert alone, f"{key} must stand on a line of its own without a comment"


def test_the_json_schema_knows_every_key_and_refuses_others() -> None:
    schema = json_schema()
    parts = {name: schema["$defs"][name] for name in schema["$defs"]} | {"Config": schema}
    for model in models(Config):
        part: dict[str, Any] = parts[model.__name__]
        assert part["properties"].keys() == model.model_fields.keys()
        assert part["additionalProperties"] is False
    assert schema["required"] == ["name"]
    assert json.loads(json.dumps(schema)) == schema


def test_every_pattern_is_explained_and_its_own_explanation_holds() -> None:
    for pattern, said in PATTERNS_IN_WORDS.items():
        shown = re.search(r'like "?([^ "]+)', said)
        assert pattern.startswith("^")
        assert pattern.endswith("$")
        assert shown is None or re.fullmatch(pattern, shown[1]), said
    assert re.fullmatch(NAME, "a" * 28)
    assert not re.fullmatch(NAME, "a" * 29)
    assert re.fullmatch(CIDR, "10.0.0.0/16")
    assert set(patterns(json_schema())) <= set(PATTERNS_IN_WORDS), "a pattern without words"


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a JSON Schema."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key == "pattern" and isinstance(value, str):
            yield value
        for part in value if isinstance(value, list) else (value,):
            yield from patterns(part)


def test_the_template_is_yaml_for_every_reader() -> None:
    assert yaml.safe_load(template())["node_groups"][0]["desired_size"] == 2
