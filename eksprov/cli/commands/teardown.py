"""`eksprov teardown`: back to nothing, and the proof of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, examples, shared, yes
from eksprov.cli.program import Program

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.operations.commands.removal import Removal
    from eksprov.operations.commands.teardown import Teardown


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
    program: Program, yes: bool, yes_if_local: bool, delete_retained: bool, down_if_empty: bool, as_json: bool
) -> int:
    """Delete everything of the stack and prove it.

    Models in the bucket and images in the repository go too, and what the cluster's controllers have made. Volumes of
    claims are kept where Kubernetes says Retain, or cannot be asked. Resources that are not ours are never touched. At
    the end the account is read again, kind by kind; -v and --json list what was counted of each.
    """
    console = program.console
    session = program.session()
    asking = console.must_confirm(yes=yes or (yes_if_local and not session.paid))
    with session.locked("teardown"):
        goes = _announce(program, session, delete_retained=delete_retained)
        if asking:
            console.confirm(f"Type the stack's name ({session.config.name}) to delete all this:", session.config.name)
            session.forget_readings()
        with console.progress() as display:
            opened = session.opened(display, mint=False)
            with session.orderly():
                gone = program.operations.teardown(opened, delete_retained=delete_retained)
            if gone.ok:
                _drop_context(console, session)
    if as_json:
        from eksprov.cli.render.text import teardown_json

        console.answer(teardown_json(gone, goes, session.config.name, session.place))
    code = _tell(console, session, gone, quiet=as_json)
    if down_if_empty and gone.ok and session.release():
        console.log("the local world has ended: no stack is left in it")
    return code


def _drop_context(console: Console, session: Session) -> None:
    from eksprov.kube.kubeconfig import default_path
    from eksprov.operations.commands.kubeconfig import drop

    if kept := drop(session.config, default_path(console.environ)):
        console.log(f"note: {kept}")


def _announce(program: Program, session: Session, *, delete_retained: bool) -> Removal:
    """Say beforehand what is going to be deleted, and what is not."""
    from eksprov.cli.render.text import kept_text, swept_text
    from eksprov.cli.words import counted

    console = program.console
    with console.progress() as display:
        opened = session.opened(display, mint=False)
        goes = program.operations.removal(opened, delete_retained=delete_retained)
    name = f"stack {session.config.name} ({session.place})"
    if not goes.counted:
        console.log(
            f"{name}: the account holds nothing that its tags call this stack's; what is recorded is checked too"
        )
    else:
        console.log(f"{name}: this deletes {counted(goes.counted)}")
        for line in swept_text(goes.swept):
            console.log(line)
        console.log("models in the bucket, images in the repository and all that runs on the cluster go too")
    for line in kept_text(goes.kept):
        console.log(line)
    return goes


def _tell(console: Console, session: Session, gone: Teardown, *, quiet: bool) -> int:
    from eksprov.cli.render.text import counts_text, failures_text, kept_text, left_text, outcome_counts
    from eksprov.cli.words import seconds

    report = gone.report
    stopped = session.stop_requested()
    if not quiet:
        done = counts_text(outcome_counts(report.outcomes))
        console.say(f"stack {session.config.name} ({session.place}): {done}, in {seconds(report.seconds)}")
        if not stopped:
            console.say(left_text(gone, every=console.settings.verbose))
            for line in kept_text(gone.kept):
                console.say(line)
    for line in failures_text(report.outcomes):
        console.log(line)
    if gone.ok:
        console.next("provision", what="to make it again")
        return 0
    return console.unfinished(stopped=session.stop_requested())
