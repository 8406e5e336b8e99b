"""`eksprov policy`: the IAM policy that the operator of this config needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program

if TYPE_CHECKING:
    from eksprov.permissions import Phase


@click.command(
    "policy",
    epilog=examples(
        "eksprov policy                              all that the stack's operator needs",
        "eksprov policy --phase deploy-model         what a pipeline needs that only serves models",
        "eksprov policy --phase teardown --json",
        "eksprov policy --account 111122223333 --out policies    one file a document",
    ),
)
@shared
@click.option(
    "--phase",
    "phases",
    multiple=True,
    type=click.Choice(["provision", "lock", "deploy-model", "teardown"]),
    help="Only what this needs; may be given again.  [default: all]",
)
@click.option("--account", metavar="ID", default="", help="The account in the ARNs, before anything is recorded.")
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each document to a file of its own in DIR, and print the files' names.",
)
@as_json
@click.pass_obj
def command(program: Program, phases: tuple[Phase, ...], account: str, folder: Path | None, as_json: bool) -> int:
    """Print the IAM policy that running this needs.

    It comes from the config and the record alone: AWS is not asked. Each statement names the stack's own resources, or
    those that carry its tag. Where one managed policy cannot hold it all (IAM takes 6,144 characters) there are several
    documents, all to be attached: written to DIR as <stack>-<phase>-1.json and so on, or printed as one JSON object,
    each under its name.
    """
    from eksprov.operations.commands.operator_policy import operator_policy
    from eksprov.permissions import PHASES
    from eksprov.permissions.document import size

    console = program.console
    session = program.session()
    chosen = tuple(phase for phase in PHASES if phase in phases) or PHASES
    found = operator_policy(
        session.config, session.store.load(), chosen, account=_account(account), partition=_partition(session.config)
    )
    if folder is not None:
        console.begins(f"files may be written in {folder}")
    written = _written(folder, _stem(session.config, phases), found.documents) if folder is not None else []
    notes = (*found.notes, *(_stale(folder, _stem(session.config, phases), written) if folder is not None else ()))
    if as_json:
        files = {"files": [str(path) for path in written]} if folder is not None else {}
        listed = [
            {"name": _name(session.config, number), "characters": size(dict(document)), "document": document}
            for number, document in enumerate(found.documents, 1)
        ]
        console.answer({"schema": 1, "phases": chosen, "documents": listed, "notes": notes, **files})
        return 0
    for path in written:
        console.say(str(path))
    if folder is None:
        _print(console, {_name(session.config, number): document for number, document in enumerate(found.documents, 1)})
    for note in notes:
        console.log(f"{click.style('note:', fg='yellow')} {note}")
    return 0


def _print(console: Console, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """One document as it is, ready to be attached; several as one object of JSON, so that a program can read it."""
    from eksprov.permissions.document import size

    for number, (name, document) in enumerate(documents.items(), 1):
        of = f" ({number} of {len(documents)})" if len(documents) > 1 else ""
        console.log(f"{name}{of}: {size(dict(document)):,} characters")
    if len(documents) == 1:
        console.answer(next(iter(documents.values())))
        return
    console.answer(documents)
    console.log(f"{click.style('note:', fg='yellow')} each is a policy of its own; --out DIR writes one file each")


def _name(config: Any, number: int) -> str:
    return f"eksprov-{config.name}-{number}"


def _stem(config: Any, phases: tuple[Phase, ...]) -> str:
    """How the files of these phases are called: with "all" where none was chosen."""
    from eksprov.permissions import PHASES

    return f"{config.name}-{'-'.join(phase for phase in PHASES if phase in phases) or 'all'}"


def _written(folder: Path, stem: str, documents: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Write the documents into `folder`, which is made when missing. Raises: UsageError, MachineError."""
    from eksprov.errors import unwritable

    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(documents, 1):
            path = folder / f"{stem}-{number}.json"
            path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise unwritable(error.filename or folder, error, "name another with --out DIR") from error
    return written


def _stale(folder: Path, stem: str, written: list[Path]) -> Iterator[str]:
    """What an earlier run wrote and this one has no use for; a policy made from it would allow more than is needed."""
    for path in sorted(folder.glob(f"{stem}-*.json")):
        if path not in written and path.stem.removeprefix(f"{stem}-").isdecimal():
            yield f"{path} is of an earlier run and no part of this policy: remove it, and detach what was made from it"


def _account(account: str) -> str:
    from eksprov.errors import UsageError

    if account and not (account.isdecimal() and len(account) == 12):
        raise UsageError(f"--account: {account!r} is not an AWS account's id", "twelve digits")
    return account


def _partition(config: Any) -> str:
    """As botocore's own list of regions has it."""
    from botocore.session import Session

    return str(Session().get_partition_for_region(config.region))
