"""`eksprov undeploy-model`: stop serving models."""

from __future__ import annotations

import click

from eksprov.cli.options import as_json, complete_models, examples, shared, yes
from eksprov.cli.program import Program


@click.command(
    "undeploy-model",
    epilog=examples(
        "eksprov undeploy-model digits               says what will go, and asks",
        "eksprov undeploy-model digits faces --yes   asks nothing",
    ),
)
@shared
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_models)
@yes
@as_json
@click.pass_obj
def command(program: Program, names: tuple[str, ...], yes: bool, as_json: bool) -> int:
    """Stop serving models.

    Deletes what runs them, their roles and their files in the bucket; first it says what will go, and asks.
    """
    from eksprov.cli.render.text import counts_text, failures_text, outcome_counts, report_json
    from eksprov.cli.words import counted, seconds

    console = program.console
    from eksprov.operations.commands.named_models import names_of

    session = program.session()
    chosen = tuple(dict.fromkeys(names))
    asking = console.must_confirm(yes=yes)
    with session.locked("undeploy-model"):
        with console.progress() as display:
            goes = program.operations.undeployment(session.opened(display, mint=False), chosen)
        console.log(f"stack {session.config.name} ({session.place}): this deletes {counted(goes)}")
        if asking:
            console.confirm(f"Stop serving {', '.join(chosen)}? Type yes:")
            session.forget_readings()
        with console.progress() as display:
            opened = session.opened(display, mint=False)
            with session.orderly():
                report = program.operations.undeploy(opened, chosen)
    if as_json:
        console.answer(report_json(report, session.config.name, session.place))
    else:
        counts = counts_text(outcome_counts(report.outcomes))
        console.say(f"stack {session.config.name} ({session.place}): {counts}, in {seconds(report.seconds)}")
    for line in failures_text(report.outcomes):
        console.log(line)
    if report.ok:
        console.next(
            "deploy-model", *(name for name in chosen if name in names_of(session.config)), what="to serve again"
        )
        return 0
    return console.unfinished(stopped=session.stop_requested())
