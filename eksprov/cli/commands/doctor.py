"""`eksprov doctor`: what would go wrong, before it does."""

from __future__ import annotations

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program
from eksprov.errors import EXIT_FAILED


@click.command("doctor", epilog=examples("eksprov doctor", "eksprov doctor --json"))
@shared
@as_json
@click.pass_obj
def command(program: Program, as_json: bool) -> int:
    """Find what would go wrong before it does.

    Looks at quotas, permissions, offerings, versions, names and addresses, and changes nothing. Each finding has a
    name, by which `preflight.suppress` in the config silences it. Exit code 1 when there are errors; these would also
    stop `provision` before its first create.
    """
    from eksprov.cli.render.forecast import doctor_json, findings_text
    from eksprov.cost.cache import default_path

    console = program.console
    session = program.session()
    with console.progress() as display:
        found = program.operations.find(session.opened(display, mint=False), default_path(console.environ))
    if as_json:
        console.answer(doctor_json(found, session.config.name, session.place))
    else:
        console.say(findings_text(found, session.config.name, session.place))
    if found.errors:
        return EXIT_FAILED
    if not as_json:
        console.next("plan")
    return 0
