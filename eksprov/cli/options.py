"""The options that many commands share.

`--config`, `--profile`, `--region` and `--verbose` are understood before and after the command's name; what stands
later wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from eksprov.cli.program import Program

F = TypeVar("F", bound=Callable[..., Any])


def _choose(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is None:
        return
    program: Program = context.obj
    program.console.settings = replace(program.console.settings, **{str(parameter.name): value})


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

    program: Program = context.obj
    try:
        config = load(program.console.settings.config)
    except errors.EksprovError:
        return []
    return [model.name for model in config.models if model.name.startswith(incomplete)]
