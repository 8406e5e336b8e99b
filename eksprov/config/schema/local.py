"""The `local` section."""

from __future__ import annotations

from pydantic import Field

from eksprov.config.schema.base import Section


class Local(Section):
    """The local world; read only when target is local."""

    speed: float = Field(60.0, ge=1, le=1000, description="How many times faster than AWS things become ready.")
    faults: tuple[str, ...] = Field(
        (),
        max_length=50,
        description="What goes wrong on purpose, such as no-capacity:g5.xlarge/SPOT or quota:L-DB2E81BA=0; "
        "`eksprov local faults list` explains each.",
    )
    fault_seed: int = Field(0, ge=0, le=2**31, description="Decides which calls are struck by faults of chance.")
