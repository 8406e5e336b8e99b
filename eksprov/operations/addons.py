"""Add-ons before a run: refuse what EKS would refuse, and let versions move where that is asked for."""

from __future__ import annotations

import dataclasses

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.operations.pinning import addon_of
from eksprov.operations.stack import Opened
from eksprov.steps.addons.addon import Addon
from eksprov.steps.addons.checks import problems


def refuse_wrong_addons(opened: Opened) -> None:
    """Ask EKS about the add-ons of the config that are new or changed since they were recorded; else no call.

    Raises: ConfigError with each wrong version and value, before anything is made.
    """
    addons = (step for step in opened.steps if isinstance(step, Addon))
    names = {addon_of(step) for step in addons if not opened.state.is_as_recorded(step)}
    with translated("check the add-ons of the config"):
        found = problems(opened.aws, opened.stack.config, opened.settled.kubernetes_version, names)
    if found:
        raise errors.ConfigError(found)


def following(opened: Opened) -> Opened:
    """The same stack, whose add-ons move to what their policies mean now; pinned ones stay."""
    steps = tuple(
        dataclasses.replace(step, follow=True) if isinstance(step, Addon) and step.version is None else step
        for step in opened.steps
    )
    return dataclasses.replace(opened, steps=steps)
