"""Stacks with every kind in them, beside the quick start: the files of tests/support, under the quick start's name.

What they ask for together is everything that there is, so a kind that is added to one of them is in the matrix too.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import support.stage
from support.stage import everything, quick_start

from eksprov.config.schema import Config

WHOLES = tuple(sorted(path.stem for path in Path(support.stage.__file__).parent.glob("*.yaml")))


@cache
def whole(name: str) -> Config:
    """One of them."""
    data = everything(name).model_dump(mode="json", exclude_unset=True)
    return Config.model_validate_json(json.dumps({**data, "name": quick_start().name}))
