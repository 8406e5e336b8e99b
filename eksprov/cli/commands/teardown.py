"""`eksprov teardown`: back to nothing, and the proof of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared, yes

if TYPE_CHECKING:
    from eksprov.cli.backend import Backend
    from eksprov.operations.removal import Removal
    from eksprov.operations.teardown import Teardown


@click.command(
    "teardown",
    epilog=examples(
        "eksprov teardown                                says what will go, and asks for the stack's name",
        "eksprov teardown --yes                          asks nothing",
        "eksprov teardown --delete-retained              volumes of claims that retain them go too",
        "eksprov teardown --yes-if-local --down-if-empty   what `make teardown` calls",
    ),
)
@shared
@yes
@click.option("--yes-if-local", is_flag=True, help="Ask nothing when the target is local.")
@click.option("--delete-retained", is_flag=True, help="Delete the volumes whose reclaim policy is Retain too.")
@click.option("--down-if-empty", is_flag=True, help="End the local world when no stack is left in it.")
@as_json
@click.pass_obj
def command(
    desk: Desk, yes: bool, yes_if_local: bool, delete_retained: bool, down_if_empty: bool, as_json: bool
) -> int:
    """Delete everything of the stack and prove it.

    Models in the bucket and images in the repository go too, and what the cluster's controllers have made. Volumes of
    claims are kept where Kubernetes says Retain, or cannot be asked. Resources that are not ours are never touched. At
    the end the account is read again, kind by kind; -v and --json list what was counted of each.
    """
    backend = desk.backend()
    asking = desk.must_confirm(yes=yes or (yes_if_local and not backend.paid))
    with backend.locked("teardown"):
        goes = _announce(desk, backend, delete_retained=delete_retained)
        if asking:
            desk.confirm(f"Type the stack's name ({backend.config.name}) to delete all this:", backend.config.name)
            backend.forget_readings()
        with desk.progress() as display:
            gone = backend.teardown(display, delete_retained=delete_retained)
    if as_json:
        from eksprov.cli.render import teardown_json

        desk.answer(teardown_json(gone, goes, backend.config.name, backend.place))
    code = _tell(desk, backend, gone, quiet=as_json)
    if down_if_empty and gone.ok and backend.release():
        desk.log("the local world has ended: no stack is left in it")
    return code


def _announce(desk: Desk, backend: Backend, *, delete_retained: bool) -> Removal:
    """Say beforehand what is going to be deleted, and what is not."""
    from eksprov.cli.render import kept_text, swept_text
    from eksprov.cli.words import counted

    with desk.progress() as display:
        goes = backend.removal(display, delete_retained=delete_retained)
    name = f"stack {backend.config.name} ({backend.place})"
    if not goes.counted:
        desk.log(f"{name}: the account holds nothing that its tags call this stack's; what is recorded is checked too")
    else:
        desk.log(f"{name}: this deletes {counted(goes.counted)}")
        for line in swept_text(goes.swept):
            desk.log(line)
        desk.log("models in the bucket, images in the repository and all that runs on the cluster go too")
    for line in kept_text(goes.kept):
        desk.log(line)
    return goes


def _tell(desk: Desk, backend: Backend, gone: Teardown, *, quiet: bool) -> int:
    from eksprov.cli.render import counts_text, failures_text, kept_text, left_text, outcome_counts
    from eksprov.cli.words import seconds

    report = gone.report
    stopped = backend.stop_requested()
    if not quiet:
        done = counts_text(outcome_counts(report.outcomes))
        desk.say(f"stack {backend.config.name} ({backend.place}): {done}, in {seconds(report.seconds)}")
        if not stopped:
            desk.say(left_text(gone, every=desk.settings.verbose))
            for line in kept_text(gone.kept):
                desk.say(line)
    for line in failures_text(report.outcomes):
        desk.log(line)
    if gone.ok:
        desk.next("provision", what="to make it again")
        return 0
    return desk.unfinished(stopped=backend.stop_requested())
