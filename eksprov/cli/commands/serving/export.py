"""`eksprov export`: the manifests as plain YAML, for those who apply them with other tools."""

from __future__ import annotations

from pathlib import Path

import click

from eksprov.cli.options import as_json, complete_models, examples, shared
from eksprov.cli.program import Program


@click.command(
    "export",
    epilog=examples("eksprov export manifests", "eksprov export manifests digits && kubectl apply -f manifests/digits"),
)
@shared
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_models)
@as_json
@click.pass_obj
def command(program: Program, folder: Path, names: tuple[str, ...], as_json: bool) -> int:
    """Write models' Kubernetes manifests as plain YAML.

    Needs neither AWS nor a cluster. What is only known once the stack exists is taken from its record, and a note
    says so where there is none.
    """
    from eksprov.operations.commands.manifests import write_manifests
    from eksprov.operations.commands.named_models import chosen

    console = program.console
    session = program.session()
    chosen_names = chosen(session.config, names)
    console.begins(f"files may be written in {folder}")
    written, notes = write_manifests(
        session.config, session.project, session.store.load(), session.pins, folder, chosen_names
    )
    if as_json:
        files = [str(path) for path in written]
        console.answer({"schema": 1, "folder": str(folder), "files": files, "notes": list(notes)})
        return 0
    for path in written:
        console.say(str(path))
    for note in notes:
        console.log(f"{click.style('note:', fg='yellow')} {note}")
    return 0
