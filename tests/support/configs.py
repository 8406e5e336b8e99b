"""Configs for tests: those of the examples, and the same config with something else in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eksprov.config.load import load
from eksprov.config.schema import Config

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> Config:
    """That of an example."""
    return load(EXAMPLES / name / "eksprov.yaml")


def changed(config: Config, **keys: Any) -> Config:
    """With other values under top-level keys."""
    return Config.model_validate_json(json.dumps({**config.model_dump(mode="json", exclude_unset=True), **keys}))


def with_group(config: Config, **keys: Any) -> Config:
    """With other values in the first node group."""
    first, *others = config.model_dump(mode="json", exclude_unset=True)["node_groups"]
    return changed(config, node_groups=[{**first, **keys}, *others])
