"""`eksprov plan`: what provision would do, without doing it."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, first_choice, shared, upgrade_addons
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
@upgrade_addons
@first_choice
@as_json
@click.pass_obj
def command(desk: Desk, check: bool, offline: bool, upgrade_addons: bool, first_choice: bool, as_json: bool) -> int:
    """Show what provision would do, without doing it."""
    from eksprov.cli.render import plan_json, plan_text
    from eksprov.cli.render_forecast import cost_json, findings_json, forecast_text

    backend = desk.backend()
    if upgrade_addons:
        from eksprov.operations.addons import following

        backend.adjusted = following
    if first_choice:
        from eksprov.operations.choosing import back_to_first

        backend.adjusted = back_to_first(backend.adjusted)
    if offline:
        plan = backend.offline_plan()
        ahead = backend.forecasts.offline(plan)
    else:
        with desk.progress() as display:
            plan = backend.plan(display)
            ahead = backend.forecasts.of(plan, display)
    free = not backend.paid
    if as_json:
        more = {"cost": cost_json(ahead.cost, ahead.note, free=free), "findings": findings_json(ahead.findings)}
        desk.answer({**plan_json(plan, backend.config.name, backend.place), **more})
    else:
        text = (plan_text(plan, backend.config.name, backend.place), forecast_text(ahead, free=free))
        desk.say("\n".join(part for part in text if part))
        if plan.changes:
            desk.next("provision")
    return EXIT_CHANGES if check and plan.changes else 0
