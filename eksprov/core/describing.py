"""The words of a line that creates: what is going to be, made of facts; what is not known yet is left out."""

from __future__ import annotations

from collections.abc import Iterable

from eksprov.core.change import UNKNOWN

SHOWN = 2  # of many names, that many are told


def known(*parts: str, joint: str = ", ") -> str:
    """The parts that say something, joined; one with a value that only exists after apply says nothing yet."""
    return joint.join(part for part in parts if part and UNKNOWN not in part)


def some(names: Iterable[str]) -> str:
    """The first names in order, and how many more there are: "a, b, c and 2 more"."""
    first = sorted(name for name in names if name and UNKNOWN not in name)
    more = f" and {len(first) - SHOWN} more" if len(first) > SHOWN else ""
    return ", ".join(first[:SHOWN]) + more
