"""`eksprov provision`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, first_choice, shared, upgrade_addons, yes

if TYPE_CHECKING:
    from eksprov.cli.backend import Backend
    from eksprov.operations.provision import Report


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
def command(desk: Desk, yes: bool, upgrade_addons: bool, first_choice: bool, as_json: bool) -> int:
    """Bring the stack to what the config says.

    Runs in parallel what can, records each step the moment it is known, and may be stopped (Ctrl-C) and run again at
    any time: what is done is found and kept.
    """
    backend = desk.backend()
    if upgrade_addons:
        from eksprov.operations.addons import following

        backend.adjusted = following
    if first_choice:
        from eksprov.operations.choosing import back_to_first

        backend.adjusted = back_to_first(backend.adjusted)
    asking = backend.paid and desk.must_confirm(yes=yes)
    with backend.locked("provision"):
        if backend.paid and not _approved(desk, backend, asking=asking):
            return 0
        with desk.progress() as display:
            report = backend.provision(display)
    if as_json:
        from eksprov.cli.render import report_json

        desk.answer(report_json(report, backend.config.name, backend.place))
    return _tell(desk, backend, report, quiet=as_json)


def _approved(desk: Desk, backend: Backend, *, asking: bool) -> bool:
    """Show the plan and, when asking, wait for a yes. Raises: UsageError when it is not given."""
    from eksprov.cli.render import plan_text
    from eksprov.cli.render_forecast import forecast_text

    with desk.progress() as display:
        plan = backend.plan(display)
        ahead = backend.forecasts.of(plan, display)
    text = (plan_text(plan, backend.config.name, backend.place), forecast_text(ahead, free=False))
    desk.log("\n".join(part for part in text if part))
    if asking and plan.changes:
        desk.confirm("Do this, and pay for it? Type yes:")
        backend.forget_readings()
    return True


def _tell(desk: Desk, backend: Backend, report: Report, *, quiet: bool) -> int:
    from eksprov.cli.render import counts_text, failures_text, outcome_counts
    from eksprov.cli.words import clean, plural, seconds

    counts = outcome_counts(report.outcomes)
    changed = any(status != "unchanged" for status in counts)
    done = counts_text(counts) if changed else f"no changes: {plural(len(report.outcomes), 'resource')} as wanted"
    if not quiet:
        desk.say(f"stack {backend.config.name} ({backend.place}): {done}, in {seconds(report.seconds)}")
    for outcome in report.outcomes:
        if outcome.good and outcome.message:
            desk.log(f"note: {outcome.name}: {clean(outcome.message)}")
    for line in failures_text(report.outcomes):
        desk.log(line)
    if report.ok:
        desk.next(*(("deploy-model",) if backend.config.models else ("kubeconfig",)))
        return 0
    return desk.unfinished(stopped=backend.stop_requested())
