"""`eksprov deploy-model`: serve models on the cluster."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, complete_models, examples, shared, yes
from eksprov.errors import EXIT_FAILED

if TYPE_CHECKING:
    from eksprov.cli.backend import Backend
    from eksprov.operations.models import Deployed


@click.command(
    "deploy-model",
    epilog=examples(
        "eksprov deploy-model                    all models of the config",
        "eksprov deploy-model digits             one of them",
        "eksprov deploy-model digits --dry-run   only show what would change",
    ),
)
@shared
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_models)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@yes
@as_json
@click.pass_obj
def command(desk: Desk, names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> int:
    """Serve models on the cluster.

    Uploads each model's files, makes what runs it, waits until it is loaded, and asks it: with sample.json in the
    model's folder, or with zeros where it says what it takes. Doing it twice changes nothing.
    """
    backend = desk.backend()
    chosen = backend.models.chosen(names)
    if dry_run:
        return _preview(desk, backend, chosen, as_json=as_json)
    with backend.locked("deploy-model"), desk.progress() as display:
        done = backend.models.deploy(chosen, display)
    if as_json:
        from eksprov.cli.render import report_json

        body = report_json(done.report, backend.config.name, backend.place)
        desk.answer(
            {
                **body,
                "models": [dataclasses.asdict(served) for served in done.served],
                "notes": list(done.notes),
            }
        )
    return _tell(desk, backend, done, quiet=as_json)


def _preview(desk: Desk, backend: Backend, chosen: tuple[str, ...], *, as_json: bool) -> int:
    from eksprov.cli.render import plan_json, plan_text

    with desk.progress() as display:
        plan = backend.models.plan(chosen, display)
    if as_json:
        desk.answer(plan_json(plan, backend.config.name, backend.place))
    else:
        desk.say(plan_text(plan, backend.config.name, backend.place))
        if plan.changes and not plan.refused:
            desk.next("deploy-model", *chosen)
    return EXIT_FAILED if plan.refused else 0


def _tell(desk: Desk, backend: Backend, done: Deployed, *, quiet: bool) -> int:
    from eksprov.cli.render import counts_text, failures_text, outcome_counts
    from eksprov.cli.words import clean, seconds

    report = done.report
    if not quiet:
        counts = counts_text(outcome_counts(report.outcomes))
        desk.say(f"stack {backend.config.name} ({backend.place}): {counts}, in {seconds(report.seconds)}")
        for served in done.served:
            does = "answers" if served.answered else "is loaded"
            desk.say(f"{served.name} {does} inside the cluster at {served.url}")
    for note in done.notes:
        desk.log(f"{click.style('note:', fg='yellow')} {clean(note)}")
    for line in failures_text(report.outcomes):
        desk.log(line)
    if report.ok:
        for served in done.served[:1]:
            desk.next("invoke", served.name)
        return 0
    return desk.unfinished(stopped=backend.stop_requested())
