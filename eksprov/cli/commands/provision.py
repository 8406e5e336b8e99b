"""`eksprov provision`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, examples, first_choice, shared, upgrade_addons, yes
from eksprov.cli.program import Program

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.operations.adjusting import Adjustment
    from eksprov.operations.commands.provision import Report


@click.command(
    "provision",
    epilog=examples(
        "eksprov provision",
        "eksprov provision --yes                            ask nothing (target: aws shows its plan and asks)",
        "eksprov provision --upgrade-addons                 versions that are not pinned move too",
        "eksprov provision --config prod.yaml --profile ml  another stack, another account",
    ),
)
@shared
@yes
@upgrade_addons
@first_choice
@as_json
@click.pass_obj
def command(program: Program, yes: bool, upgrade_addons: bool, first_choice: bool, as_json: bool) -> int:
    """Bring the stack to what the config says.

    Runs in parallel what can, records each step the moment it is known, and may be stopped (Ctrl-C) and run again at
    any time: what is done is found and kept.
    """
    from eksprov.operations.adjusting import adjustment

    console = program.console
    session = program.session()
    adjusted = adjustment(upgrade_addons=upgrade_addons, first_choice=first_choice)
    asking = session.paid and console.must_confirm(yes=yes)
    with session.locked("provision"):
        if session.paid and not _approved(program, session, adjusted, asking=asking):
            return 0
        with console.progress() as display:
            opened = adjusted(session.opened(display, mint=True))
            with session.creating(display), session.orderly():
                display.doing("reading what is there")
                report = program.operations.provision(opened)
    if as_json:
        from eksprov.cli.render.text import report_json

        console.answer(report_json(report, session.config.name, session.place))
    return _tell(console, session, report, quiet=as_json)


def _approved(program: Program, session: Session, adjusted: Adjustment, *, asking: bool) -> bool:
    """Show the plan and, when asking, wait for a yes. Raises: UsageError when it is not given."""
    from eksprov.cli.render.forecast import forecast_text
    from eksprov.cli.render.text import plan_text
    from eksprov.cost.cache import default_path

    console = program.console
    with console.progress() as display:
        opened = adjusted(session.opened(display, mint=False))
        plan = program.operations.make_plan(opened)
        ahead = program.operations.look_ahead(opened, plan, default_path(console.environ))
    text = (plan_text(plan, session.config.name, session.place), forecast_text(ahead, free=False))
    console.log("\n".join(part for part in text if part))
    if asking and plan.changes:
        console.confirm("Do this, and pay for it? Type yes:")
        session.forget_readings()
    return True


def _tell(console: Console, session: Session, report: Report, *, quiet: bool) -> int:
    from eksprov.cli.render.text import counts_text, failures_text, outcome_counts
    from eksprov.cli.words import clean, plural, seconds

    counts = outcome_counts(report.outcomes)
    changed = any(status != "unchanged" for status in counts)
    done = counts_text(counts) if changed else f"no changes: {plural(len(report.outcomes), 'resource')} as wanted"
    if not quiet:
        console.say(f"stack {session.config.name} ({session.place}): {done}, in {seconds(report.seconds)}")
    for outcome in report.outcomes:
        if outcome.good and outcome.message:
            console.log(f"note: {outcome.name}: {clean(outcome.message)}")
    for line in failures_text(report.outcomes):
        console.log(line)
    if report.ok:
        console.next(*(("deploy-model",) if session.config.models else ("kubeconfig",)))
        return 0
    return console.unfinished(stopped=session.stop_requested())
