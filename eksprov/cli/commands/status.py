"""`eksprov status`: every resource of the stack and how it is."""

from __future__ import annotations

import dataclasses

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared


@click.command("status", epilog=examples("eksprov status", "eksprov status --json"))
@shared
@as_json
@click.pass_obj
def command(desk: Desk, as_json: bool) -> int:
    """Show every resource of the stack and how it is.

    What is recorded of each step, and how the cluster, its node groups and the models are at this moment.
    """
    from eksprov.cli.render import SCHEMA, table

    backend = desk.backend()
    with desk.progress() as display:
        steps = backend.status(display)
    if as_json:
        listed = [dataclasses.asdict(step) for step in steps]
        desk.answer({"schema": SCHEMA, "stack": backend.config.name, "place": backend.place, "steps": listed})
        return 0
    desk.say(f"stack {backend.config.name} ({backend.place}):")
    rows = [(s.name, s.recorded, s.live or "-", s.changed_at or "-", s.error) for s in steps]
    desk.say(table(rows, ("step", "recorded", "now", "changed", "error")))
    missing = any(step.recorded != "ready" or step.live == "absent" for step in steps)
    desk.next("plan" if missing else "outputs")
    return 0
