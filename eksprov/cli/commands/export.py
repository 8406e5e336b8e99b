"""`eksprov export`: the manifests as plain YAML, for those who apply them with other tools."""

from __future__ import annotations

from pathlib import Path

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, complete_models, examples, shared


@click.command(
    "export",
    epilog=examples("eksprov export manifests", "eksprov export manifests digits && kubectl apply -f manifests/digits"),
)
@shared
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_models)
@as_json
@click.pass_obj
def command(desk: Desk, folder: Path, names: tuple[str, ...], as_json: bool) -> int:
    """Write models' Kubernetes manifests as plain YAML.

    Needs neither AWS nor a cluster. What is only known once the stack exists is taken from its record, and a note
    says so where there is none.
    """
    backend = desk.backend()
    written, notes = backend.models.export(folder, backend.models.chosen(names))
    if as_json:
        files = [str(path) for path in written]
        desk.answer({"schema": 1, "folder": str(folder), "files": files, "notes": list(notes)})
        return 0
    for path in written:
        desk.say(str(path))
    for note in notes:
        desk.log(f"{click.style('note:', fg='yellow')} {note}")
    return 0
