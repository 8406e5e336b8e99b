"""The `local` section."""

from __future__ import annotations

from pydantic import Field

from eksprov.config.schema.base import Section


class Local(Section):
    """The local world; read only when target is local."""

    speed: float = Field(60.0, ge=1, le=1000, description="How many times faster than AWS things become ready.")
