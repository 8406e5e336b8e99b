"""`eksprov plan`: what provision would do, without doing it."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared
from eksprov.errors import EXIT_CHANGES


@click.command(
    "plan",
    epilog=examples(
        "eksprov plan",
        "eksprov plan --check              exit code 3 when something would change",
        "eksprov plan --offline --json     against the record alone, for programs",
    ),
)
@shared
@click.option("--check", is_flag=True, help="Exit with 3 when there are changes.")
@click.option("--offline", is_flag=True, help="Compare with the record alone; AWS is not asked.")
@as_json
@click.pass_obj
def command(desk: Desk, check: bool, offline: bool, as_json: bool) -> int:
    """Show what provision would do, without doing it."""
    from eksprov.cli.render import plan_json, plan_text

    backend = desk.backend()
    if offline:
        plan = backend.offline_plan()
    else:
        with desk.progress() as display:
            plan = backend.plan(display)
    if as_json:
        desk.answer(plan_json(plan, backend.config.name, backend.place))
    else:
        desk.say(plan_text(plan, backend.config.name, backend.place))
        if plan.changes:
            desk.next("provision")
    return EXIT_CHANGES if check and plan.changes else 0
