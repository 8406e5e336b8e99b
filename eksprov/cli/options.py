"""The options that many commands share, and what was chosen with them.

`--config`, `--profile`, `--region` and `--verbose` are understood before and after the command's name; what stands
later wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from eksprov.cli.desk import Desk

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_CONFIG = Path("eksprov.yaml")


@dataclass(frozen=True)
class Settings:
    """What the shared options say; None where the config or the environment decides."""

    config: Path = DEFAULT_CONFIG
    profile: str | None = None
    region: str | None = None
    verbose: bool = False

    def words(self) -> tuple[str, ...]:
        """The options that say the same again; nothing for what is the default anyway."""
        words: list[str] = []
        if self.config != DEFAULT_CONFIG:
            words += ["--config", str(self.config)]
        if self.profile is not None:
            words += ["--profile", self.profile]
        if self.region is not None:
            words += ["--region", self.region]
        return tuple(words)


def _choose(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is None:
        return
    desk: Desk = context.obj
    desk.settings = replace(desk.settings, **{str(parameter.name): value})


def shared(command: F) -> F:
    """Add `--config`, `--profile`, `--region` and `--verbose`."""
    options = (
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="The config file.  [default: eksprov.yaml]",
            expose_value=False,
            callback=_choose,
        ),
        click.option("--profile", metavar="NAME", help="AWS profile.", expose_value=False, callback=_choose),
        click.option(
            "--region",
            metavar="REGION",
            help="AWS region, in place of the config's.",
            expose_value=False,
            callback=_choose,
        ),
        click.option(
            "--verbose",
            "-v",
            is_flag=True,
            default=None,
            help="List what did not change too, and cut nothing.",
            expose_value=False,
            callback=_choose,
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def as_json(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON on stdout.")(command)


def upgrade_addons(command: F) -> F:
    help_text = "Move add-ons that pin no version to what their version_policy means now."
    return click.option("--upgrade-addons", is_flag=True, help=help_text)(command)


def first_choice(command: F) -> F:
    help_text = "Go back to the first choice where a node group had to fall back."
    return click.option("--first-choice", is_flag=True, help=help_text)(command)


def yes(command: F) -> F:
    return click.option("--yes", "-y", is_flag=True, help="Ask nothing.")(command)


def examples(*lines: str) -> str:
    """An epilog with examples, kept line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complete_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of the config's models, for the shell; silent when the config cannot be read."""
    from eksprov import errors
    from eksprov.config.load import load

    desk: Desk = context.obj
    try:
        config = load(desk.settings.config)
    except errors.EksprovError:
        return []
    return [model.name for model in config.models if model.name.startswith(incomplete)]
