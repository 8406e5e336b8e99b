"""The `addons` section."""

from __future__ import annotations

from pydantic import Field

from eksprov.config.schema.base import ADDON, Section


class Addon(Section):
    """An EKS add-on beyond, or settings for, the five that every stack gets."""

    name: str = Field(pattern=ADDON, max_length=100, description="The add-on's name.")
    version: str | None = Field(
        None, min_length=1, max_length=64, description="Unset: the default for the cluster's version, kept once made."
    )
