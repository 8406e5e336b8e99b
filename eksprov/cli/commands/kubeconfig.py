"""`eksprov kubeconfig`: an entry with which kubectl reaches the cluster."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared


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
def command(desk: Desk, file: Path | None, no_select: bool, as_json: bool) -> int:
    """Let kubectl use the cluster.

    The entry holds no secret: kubectl calls `eksprov token` when it needs one, so no aws CLI is needed.
    """
    backend = desk.backend()
    path = file if file is not None else backend.kubeconfig_path()
    with desk.progress() as display:
        backend.kubeconfig(path, display, select=not no_select)
    option = f"--kubeconfig {shlex.quote(str(path))}" if file is not None else f"--context {backend.context}"
    if as_json:
        desk.answer({"schema": 1, "kubeconfig": str(path), "context": backend.context})
        return 0
    desk.say(f"wrote context {backend.context} to {path}")
    desk.log(f"{click.style('next:', bold=True)} kubectl {option} get nodes")
    return 0
