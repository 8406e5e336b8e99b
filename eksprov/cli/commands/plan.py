"""`eksprov plan`: what provision would do, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, examples, first_choice, shared, upgrade_addons
from eksprov.cli.program import Program
from eksprov.core.names import StepName
from eksprov.errors import EXIT_CHANGES, EXIT_FAILED

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.core.plan import Plan
    from eksprov.operations.commands.costs import Forecast


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
def command(
    program: Program, check: bool, offline: bool, upgrade_addons: bool, first_choice: bool, as_json: bool
) -> int:
    """Show what provision would do, without doing it.

    The models are told too: which deploy-model would deploy or change, and which serve though the config no longer
    names them. Exit code 1 where doctor finds an error or a change would be refused; with --check 3 where anything
    differs from the config, models included.
    """
    from eksprov.cost.cache import default_path
    from eksprov.operations.adjusting import adjustment

    console = program.console
    session = program.session()
    if offline:
        known = (session.store, session.pins)
        plan = program.operations.offline_plan(session.config, *known)
        ahead = program.operations.look_ahead_offline(session.config, session.project, *known, plan)
    else:
        with console.progress() as display:
            adjusted = adjustment(upgrade_addons=upgrade_addons, first_choice=first_choice)
            opened = adjusted(session.opened(display, mint=False))
            plan = program.operations.make_plan(opened)
            ahead = program.operations.look_ahead(opened, plan, default_path(console.environ))
    failed = plan.refused or bool(ahead.findings.errors)
    _show(console, session, plan, ahead, failed=failed, as_json=as_json)
    if not as_json:
        flags = {"--upgrade-addons": upgrade_addons, "--first-choice": first_choice}
        _next(console, plan, ahead, [flag for flag, given in flags.items() if given], failed=failed)
    if failed:
        return EXIT_FAILED
    return EXIT_CHANGES if check and (plan.changes or _differ(ahead.models)) else 0


def _show(console: Console, session: Session, plan: Plan, ahead: Forecast, *, failed: bool, as_json: bool) -> None:
    from eksprov.cli.render.forecast import cost_json, findings_json, forecast_text, models_json
    from eksprov.cli.render.text import plan_json, plan_text

    free, head = not session.paid, (plan, session.config.name, session.place)
    if not as_json:
        console.say("\n".join(part for part in (plan_text(*head), forecast_text(ahead, free=free)) if part))
        return
    more = {
        "cost": cost_json(ahead.cost, ahead.note, free=free),
        "findings": findings_json(ahead.findings),
        "ok": not failed,
        "models": models_json(ahead.models),
    }
    console.answer({**plan_json(*head), **more})


def _next(console: Console, plan: Plan, ahead: Forecast, flags: list[str], *, failed: bool) -> None:
    """The command that goes on from here; none that would be refused."""
    ready = [StepName.parse(line.name).of for line in ahead.models.changes if not line.problem]
    if failed:
        console.log(f"{click.style('once mended, look again with:', bold=True)} {console.again()}")
    elif plan.changes:
        console.next("provision", *flags)
    elif ready:
        console.next("deploy-model", *ready)


def _differ(models: Plan) -> bool:
    """Whether any model is not as the config says; one that left it and goes on serving is a line with a reason."""
    return any(line.is_change or line.change.reason for line in models.lines)
