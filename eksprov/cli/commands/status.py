"""`eksprov status`: every resource of the stack and how it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program
from eksprov.errors import NotThereError

if TYPE_CHECKING:
    from eksprov.operations.commands.status import StepStatus

NOT_RECORDED = "not recorded"


@click.command("status", epilog=examples("eksprov status", "eksprov status -v    every step", "eksprov status --json"))
@shared
@as_json
@click.pass_obj
def command(program: Program, as_json: bool) -> int:
    """Show every resource of the stack and how it is.

    How the cluster, its node groups and the models are at this moment, and what is recorded as not ready; -v lists
    every step.
    """
    from eksprov.cli.render.text import SCHEMA

    console = program.console
    session = program.session()
    with console.progress() as display:
        steps = program.operations.statuses(session.opened(display, mint=False))
    if as_json:
        listed = [dataclasses.asdict(step) for step in steps]
        console.answer({"schema": SCHEMA, "stack": session.config.name, "place": session.place, "steps": listed})
    if not any(map(_is_known, steps)):
        raise NotThereError(
            f"nothing is recorded of stack {session.config.name!r}, and it has no cluster",
            "make it with `eksprov provision`",
        )
    if as_json:
        return 0
    console.say(_text(session.config.name, session.place, steps, console.columns(), every=console.settings.verbose))
    missing = any(step.recorded != "ready" or step.live == "absent" for step in steps)
    console.next("plan" if missing else "outputs")
    return 0


def _is_known(step: StepStatus) -> bool:
    """Whether anything says that it is there, or was to be."""
    return step.recorded != NOT_RECORDED or step.live not in ("", "absent")


def _is_told(step: StepStatus) -> bool:
    """Whether there is more to say of it than that it is recorded as ready."""
    return bool(step.live or step.error or step.recorded != "ready")


def _text(stack: str, place: str, steps: Sequence[StepStatus], columns: int, *, every: bool) -> str:
    """What was asked of the world, and what is not ready; the rest is counted, unless `every` one is to be listed."""
    from eksprov.cli.render.text import table
    from eksprov.cli.words import plural

    told = [step for step in steps if every or _is_told(step)]
    head = ("step", "recorded", "now", "changed", *(("error",) if any(step.error for step in told) else ()))
    rows = [(s.name, s.recorded, s.live or "-", s.changed_at or "-", s.error)[: len(head)] for s in told]
    lines = [f"stack {stack} ({place}):"]
    lines += [table(rows, head, columns)] if rows else []
    if more := len(steps) - len(told):
        lines.append(f"{plural(more, 'more step')} recorded as ready; -v lists them")
    return "\n".join(lines)
