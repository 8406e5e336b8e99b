"""`eksprov undeploy-model`: stop serving models."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, complete_models, examples, shared, yes


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
def command(desk: Desk, names: tuple[str, ...], yes: bool, as_json: bool) -> int:
    """Stop serving models.

    Deletes what runs them, their roles and their files in the bucket; first it says what will go, and asks.
    """
    from eksprov.cli.render import counts_text, failures_text, outcome_counts, report_json
    from eksprov.cli.words import counted, seconds

    backend = desk.backend()
    chosen = tuple(dict.fromkeys(names))
    asking = desk.must_confirm(yes=yes)
    with backend.locked("undeploy-model"):
        with desk.progress() as display:
            goes = backend.models.undeployment(chosen, display)
        desk.log(f"stack {backend.config.name} ({backend.place}): this deletes {counted(goes)}")
        if asking:
            desk.confirm(f"Stop serving {', '.join(chosen)}? Type yes:")
            backend.forget_readings()
        with desk.progress() as display:
            report = backend.models.undeploy(chosen, display)
    if as_json:
        desk.answer(report_json(report, backend.config.name, backend.place))
    else:
        counts = counts_text(outcome_counts(report.outcomes))
        desk.say(f"stack {backend.config.name} ({backend.place}): {counts}, in {seconds(report.seconds)}")
    for line in failures_text(report.outcomes):
        desk.log(line)
    if report.ok:
        desk.next("deploy-model", *(name for name in chosen if name in backend.models.names), what="to serve again")
        return 0
    return desk.unfinished(stopped=backend.stop_requested())
