"""`eksprov validate`: every problem of the config file at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program
from eksprov.errors import EXIT_USAGE, Problem

if TYPE_CHECKING:
    from eksprov.config.schema import Config


@click.command(
    "validate",
    epilog=examples("eksprov validate", "eksprov validate --config prod.yaml --json"),
)
@shared
@as_json
@click.pass_obj
def command(program: Program, as_json: bool) -> int:
    """Check the config file and list every problem.

    Exit code 0 when it can be used (warnings are only shown), 2 when it cannot.
    """
    from eksprov.cli.failures import pasteable
    from eksprov.cli.render.text import SCHEMA, problem_json, problem_text
    from eksprov.cli.words import plural
    from eksprov.config.load import examine

    console = program.console
    path = console.settings.config
    found = examine(path)
    valid = not found.errors
    every = (*found.problems, *_of_models(found.config, path))
    if as_json:
        problems = [problem_json(problem) for problem in every]
        console.answer({"schema": SCHEMA, "file": str(path), "valid": valid, "problems": problems})
        return 0 if valid else EXIT_USAGE
    for problem in every:
        console.log(problem_text(replace(problem, hint=pasteable(problem.hint, console))))
    if not valid or found.config is None:
        console.log(f"{path}: {plural(len(found.errors), 'problem')}")
        return EXIT_USAGE
    console.say(f"{path} is valid: {_summary(found.config)}")
    console.next("plan")
    return 0


def _of_models(config: Config | None, path: Path) -> tuple[Problem, ...]:
    """What the folders of models say, where they are there: warnings, since only `deploy-model` needs them."""
    there = [model for model in config.models if (path.parent / model.path).exists()] if config is not None else []
    if not there:
        return ()
    from eksprov.serving.inspection.preview import preview

    found = (problem for model in there for problem in preview(model, path.parent))
    return tuple(replace(problem, file=str(path)) for problem in found)


def _summary(config: Config) -> str:
    from eksprov.cli.words import plural

    parts = [
        f"stack {config.name} in {config.region}, target {config.target}",
        plural(len(config.node_groups), "node group"),
        plural(len(config.models), "model"),
    ]
    return ", ".join(parts)
