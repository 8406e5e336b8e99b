"""`eksprov deploy-model`: serve models on the cluster."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, complete_models, examples, shared, yes
from eksprov.cli.program import Program
from eksprov.errors import EXIT_FAILED

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.operations.commands.models import Deployed


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
def command(program: Program, names: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool) -> int:
    """Serve models on the cluster.

    Uploads each model's files, makes what runs it, waits until it is loaded, and asks it: with sample.json in the
    model's folder, or with zeros where it says what it takes. Doing it twice changes nothing.
    """
    from eksprov.operations.commands.named_models import chosen

    console = program.console
    session = program.session()
    wanted = chosen(session.config, names)
    if dry_run:
        return _preview(program, session, wanted, as_json=as_json)
    with session.locked("deploy-model"), console.progress() as display:
        opened = session.opened(display, mint=False)
        with session.orderly():
            done = program.operations.deploy(opened, wanted)
    if as_json:
        from eksprov.cli.render.text import report_json

        body = report_json(done.report, session.config.name, session.place)
        console.answer(
            {
                **body,
                "models": [dataclasses.asdict(served) for served in done.served],
                "notes": list(done.notes),
            }
        )
    return _tell(console, session, done, quiet=as_json)


def _preview(program: Program, session: Session, chosen: tuple[str, ...], *, as_json: bool) -> int:
    from eksprov.cli.render.text import plan_json, plan_text

    console = program.console
    with console.progress() as display:
        plan = program.operations.plan_models(session.opened(display, mint=False), chosen)
    if as_json:
        console.answer(plan_json(plan, session.config.name, session.place))
    else:
        console.say(plan_text(plan, session.config.name, session.place))
        if plan.changes and not plan.refused:
            console.next("deploy-model", *chosen)
    return EXIT_FAILED if plan.refused else 0


def _tell(console: Console, session: Session, done: Deployed, *, quiet: bool) -> int:
    from eksprov.cli.render.text import counts_text, failures_text, outcome_counts
    from eksprov.cli.words import clean, seconds

    report = done.report
    if not quiet:
        counts = counts_text(outcome_counts(report.outcomes))
        console.say(f"stack {session.config.name} ({session.place}): {counts}, in {seconds(report.seconds)}")
        for served in done.served:
            does = "answers" if served.answered else "is loaded"
            console.say(f"{served.name} {does} inside the cluster at {served.url}")
    for note in done.notes:
        console.log(f"{click.style('note:', fg='yellow')} {clean(note)}")
    for line in failures_text(report.outcomes):
        console.log(line)
    if report.ok:
        for served in done.served[:1]:
            console.next("invoke", served.name)
        return 0
    return console.unfinished(stopped=session.stop_requested())
