"""`eksprov plan`: what provision would do, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, first_choice, shared, upgrade_addons
from eksprov.core.names import StepName
from eksprov.errors import EXIT_CHANGES, EXIT_FAILED

if TYPE_CHECKING:
    from eksprov.cli.backend import Backend
    from eksprov.core.plan import Plan
    from eksprov.operations.costs import Forecast


@click.command(
    "plan",
    epilog=examples(
        "eksprov plan",
        "eksprov plan --check              exit code 3 when something differs",
        "eksprov plan --offline --json     against the record alone, for programs",
    ),
)
@shared
@click.option("--check", is_flag=True, help="Exit with 3 when something differs, models included.")
@click.option("--offline", is_flag=True, help="Compare with the record alone; AWS is not asked.")
@upgrade_addons
@first_choice
@as_json
@click.pass_obj
def command(desk: Desk, check: bool, offline: bool, upgrade_addons: bool, first_choice: bool, as_json: bool) -> int:
    """Show what provision would do, without doing it.

    The models are told too: which deploy-model would deploy or change, and which serve though the config no longer
    names them. Exit code 1 where doctor finds an error or a change would be refused; with --check 3 where anything
    differs from the config, models included.
    """
    backend = desk.backend()
    if upgrade_addons:
        from eksprov.operations.addons import following

        backend.adjusted = following
    if first_choice:
        from eksprov.operations.choosing import back_to_first

        backend.adjusted = back_to_first(backend.adjusted)
    if offline:
        plan = backend.offline_plan()
        ahead = backend.forecasts.of_record(plan)
    else:
        with desk.progress() as display:
            plan = backend.plan(display)
            ahead = backend.forecasts.of(plan, display)
    failed = plan.refused or bool(ahead.findings.errors)
    _show(desk, backend, plan, ahead, failed=failed, as_json=as_json)
    if not as_json:
        flags = {"--upgrade-addons": upgrade_addons, "--first-choice": first_choice}
        _next(desk, plan, ahead, [flag for flag, given in flags.items() if given], failed=failed)
    if failed:
        return EXIT_FAILED
    return EXIT_CHANGES if check and (plan.changes or _differ(ahead.models)) else 0


def _show(desk: Desk, backend: Backend, plan: Plan, ahead: Forecast, *, failed: bool, as_json: bool) -> None:
    from eksprov.cli.render import plan_json, plan_text
    from eksprov.cli.render_forecast import cost_json, findings_json, forecast_text, models_json

    free, head = not backend.paid, (plan, backend.config.name, backend.place)
    if not as_json:
        desk.say("\n".join(part for part in (plan_text(*head), forecast_text(ahead, free=free)) if part))
        return
    more = {
        "cost": cost_json(ahead.cost, ahead.note, free=free),
        "findings": findings_json(ahead.findings),
        "ok": not failed,
        "models": models_json(ahead.models),
    }
    desk.answer({**plan_json(*head), **more})


def _next(desk: Desk, plan: Plan, ahead: Forecast, flags: list[str], *, failed: bool) -> None:
    """The command that goes on from here; none that would be refused."""
    ready = [StepName.parse(line.name).of for line in ahead.models.changes if not line.problem]
    if failed:
        desk.log(f"{click.style('once mended, look again with:', bold=True)} {desk.again()}")
    elif plan.changes:
        desk.next("provision", *flags)
    elif ready:
        desk.next("deploy-model", *ready)


def _differ(models: Plan) -> bool:
    """Whether any model is not as the config says; one that left it and goes on serving is a line with a reason."""
    return any(line.is_change or line.change.reason for line in models.lines)
