"""The `cost` section."""

from __future__ import annotations

from pydantic import Field

from eksprov.config.schema.base import Section


class Cost(Section):
    """What the stack may cost, as `eksprov cost` estimates it."""

    warn_above_usd_per_month: float | None = Field(
        None, gt=0, le=100_000_000, description="Plan and doctor warn when the estimate is above; unset: never."
    )
