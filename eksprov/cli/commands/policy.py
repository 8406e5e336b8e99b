"""`eksprov policy`: the IAM policy that the operator of this config needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared

if TYPE_CHECKING:
    from eksprov.permissions import Phase


@click.command(
    "policy",
    epilog=examples(
        "eksprov policy                              all that the stack's operator needs",
        "eksprov policy --phase deploy-model         what a pipeline needs that only serves models",
        "eksprov policy --phase teardown --json",
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
@as_json
@click.pass_obj
def command(desk: Desk, phases: tuple[Phase, ...], account: str, as_json: bool) -> int:
    """Print the IAM policy that running this needs.

    It comes from the config and the record alone: AWS is not asked. Each statement names the stack's own resources, or
    those that carry its tag. Where one managed policy cannot hold it all (IAM takes 6,144 characters), several
    documents are printed; attach them all.
    """
    from eksprov.operations.operator_policy import operator_policy
    from eksprov.permissions import PHASES
    from eksprov.permissions.document import size

    backend = desk.backend()
    chosen = tuple(phase for phase in PHASES if phase in phases) or PHASES
    found = operator_policy(
        backend.config, backend.recorded(), chosen, account=_account(account), partition=_partition(backend.config)
    )
    if as_json:
        listed = [
            {"name": _name(backend.config, number), "characters": size(dict(document)), "document": document}
            for number, document in enumerate(found.documents, 1)
        ]
        desk.answer({"schema": 1, "phases": chosen, "documents": listed, "notes": found.notes})
        return 0
    for number, document in enumerate(found.documents, 1):
        of = f" ({number} of {len(found.documents)})" if len(found.documents) > 1 else ""
        desk.log(f"{_name(backend.config, number)}{of}: {size(dict(document)):,} characters")
        desk.say(json.dumps(document, indent=2))
    for note in found.notes:
        desk.log(f"{click.style('note:', fg='yellow')} {note}")
    return 0


def _name(config: Any, number: int) -> str:
    return f"eksprov-{config.name}-{number}"


def _account(account: str) -> str:
    from eksprov.errors import UsageError

    if account and not (account.isdecimal() and len(account) == 12):
        raise UsageError(f"--account: {account!r} is not an AWS account's id", "twelve digits")
    return account


def _partition(config: Any) -> str:
    """As botocore's own list of regions has it."""
    from botocore.session import Session

    return str(Session().get_partition_for_region(config.region))
