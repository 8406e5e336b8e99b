"""`eksprov doctor`: what would go wrong, before it does."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared
from eksprov.errors import EXIT_FAILED


@click.command("doctor", epilog=examples("eksprov doctor", "eksprov doctor --json"))
@shared
@as_json
@click.pass_obj
def command(desk: Desk, as_json: bool) -> int:
    """Find what would go wrong before it does.

    Looks at quotas, permissions, offerings, versions, names and addresses, and changes nothing. Each finding has a
    name, by which `preflight.suppress` in the config silences it. Exit code 1 when there are errors; these would also
    stop `provision` before its first create.
    """
    from eksprov.cli.render_forecast import doctor_json, findings_text

    backend = desk.backend()
    with desk.progress() as display:
        found = backend.forecasts.doctor(display)
    if as_json:
        desk.answer(doctor_json(found, backend.config.name, backend.place))
    else:
        desk.say(findings_text(found, backend.config.name, backend.place))
    if found.errors:
        return EXIT_FAILED
    if not as_json:
        desk.next("plan")
    return 0
