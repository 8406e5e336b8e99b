"""What one command wants otherwise than the config says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eksprov.operations.stack import Opened

    Adjustment = Callable[[Opened], Opened]


def adjustment(*, upgrade_addons: bool = False, first_choice: bool = False) -> Adjustment:
    """Add-ons that move to what their policy means now; node groups that go back to their first choice."""
    adjusted: Adjustment = _same
    if upgrade_addons:
        from eksprov.operations.addons import following

        adjusted = following
    if first_choice:
        from eksprov.operations.choosing import back_to_first

        adjusted = back_to_first(adjusted)
    return adjusted


def _same(opened: Opened) -> Opened:
    return opened
