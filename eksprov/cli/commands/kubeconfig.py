"""`eksprov kubeconfig`: an entry with which kubectl reaches the cluster."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program

if TYPE_CHECKING:
    from eksprov.cli.display.progress import Display
    from eksprov.cli.session import Session
    from eksprov.kube.kubeconfig import Entry


@click.command(
    "kubeconfig",
    epilog=examples(
        "eksprov kubeconfig                    merge into ~/.kube/config (or $KUBECONFIG) and select it",
        "eksprov kubeconfig --file kube.yaml   into a file of its own",
    ),
)
@shared
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Another file.")
@click.option("--no-select", is_flag=True, help="Leave the current context as it is.")
@as_json
@click.pass_obj
def command(program: Program, file: Path | None, no_select: bool, as_json: bool) -> int:
    """Let kubectl use the cluster.

    The entry holds no secret: kubectl calls `eksprov token` when it needs one, so no aws CLI is needed.
    """
    from eksprov.kube.kubeconfig import context_of, default_path, write_entry

    console = program.console
    session = program.session()
    path = file if file is not None else default_path(console.environ)
    with console.progress() as display:
        entry = _entry(session, display)
    console.begins(f"{path} may be written")
    write_entry(path, entry, select=not no_select)
    context = context_of(session.config.name)
    option = f"--kubeconfig {shlex.quote(str(path))}" if file is not None else f"--context {context}"
    if as_json:
        console.answer({"schema": 1, "kubeconfig": str(path), "context": context})
        return 0
    console.say(f"wrote context {context} to {path}")
    console.log(f"{click.style('next:', bold=True)} kubectl {option} get nodes")
    return 0


def _entry(session: Session, display: Display) -> Entry:
    opened = session.opened(display, mint=False)
    from eksprov.operations.commands.kubeconfig import entry_of  # after the first word: it takes a while to load

    return entry_of(opened, session.token_env())
