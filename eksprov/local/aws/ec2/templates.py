"""What moto does not keep of launch templates and placement groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Templates:
    """What moto does not keep: client tokens (with what was asked and which template or version it made), groups."""

    tokens: dict[tuple[str, str], tuple[dict[str, Any], Any]] = field(default_factory=dict)
    groups: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # region and name
