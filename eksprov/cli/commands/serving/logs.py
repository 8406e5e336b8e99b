"""`eksprov logs`: what a model's pods say."""

from __future__ import annotations

import json
import sys

import click

from eksprov.cli.options import as_json, complete_models, examples, shared
from eksprov.cli.program import Program
from eksprov.cli.streams import is_read


@click.command(
    "logs",
    epilog=examples(
        "eksprov logs digits",
        "eksprov logs digits --follow --tail 20",
        "eksprov logs digits --previous          of the containers that ended before",
    ),
)
@shared
@click.argument("name", shell_complete=complete_models)
@click.option("--follow", "-f", is_flag=True, help="Go on printing until Ctrl-C.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each container.")
@click.option("--previous", is_flag=True, help="Of the runs before the last restart.")
@as_json
@click.pass_obj
def command(program: Program, name: str, follow: bool, tail: int | None, previous: bool, as_json: bool) -> int:
    """Print a model's logs.

    Of all its pods, each line with its pod's name before it where there are several. With --json one object a line.
    """
    from eksprov.operations.commands.model_logs import Which
    from eksprov.operations.commands.named_models import namespace_of

    console = program.console
    session = program.session()
    namespace = namespace_of(session.config, session.store, name)  # an unknown name is refused before anything is asked
    with console.progress() as display:
        opened = session.opened(display, mint=False)
        pods, lines = program.operations.logs(opened, namespace, name, Which(tail, follow, previous))
    try:
        for pod, line in lines:
            if as_json:
                console.say(json.dumps({"pod": pod, "line": line}))
            else:
                console.say(f"{pod}  {line}" if len(pods) > 1 else line)
            if not is_read(sys.stdout):
                break
    except KeyboardInterrupt:
        if not follow:
            raise
    return 0
