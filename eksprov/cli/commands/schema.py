"""`eksprov schema`: the config's JSON Schema, for editors."""

from __future__ import annotations

import click

from eksprov.cli.options import examples, shared
from eksprov.cli.program import Program


@click.command("schema", epilog=examples("eksprov schema > eksprov.schema.json"))
@shared
@click.option("--json", is_flag=True, expose_value=False, help="Accepted everywhere; this is always JSON.")
@click.pass_obj
def command(program: Program) -> int:
    """Print the config file's JSON Schema.

    Draft 2020-12. An editor with a YAML language server checks and completes the config by it: put the line
    `# yaml-language-server: $schema=eksprov.schema.json` at its top.
    """
    from eksprov.config.template import json_schema

    console = program.console
    console.answer(json_schema())
    return 0
