"""`eksprov cost`: what the stack costs, resource by resource."""

from __future__ import annotations

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program


@click.command(
    "cost",
    epilog=examples(
        "eksprov cost",
        "eksprov cost --offline     by the package's prices, without AWS",
        "eksprov cost --json        for programs",
    ),
)
@shared
@click.option("--offline", is_flag=True, help="Use the record and the package's prices alone; AWS is not asked.")
@as_json
@click.pass_obj
def command(program: Program, offline: bool, as_json: bool) -> int:
    """Show what the stack costs and would cost.

    That is: now, and as the config says. Prices come from the Price List API, or from a dated table where it cannot
    be asked. What has no known price is counted; traffic and whatever else is billed by use is named and left out.
    """
    from eksprov.cli.render.forecast import cost_json, cost_text
    from eksprov.cli.render.text import SCHEMA
    from eksprov.cost.cache import default_path

    console = program.console
    session = program.session()
    if offline:
        found = program.operations.cost_offline(session.config, session.store, session.pins)
    else:
        with console.progress() as display:
            found = program.operations.cost(session.opened(display, mint=False), default_path(console.environ))
    free = not session.paid
    if as_json:
        head = {"schema": SCHEMA, "stack": session.config.name, "place": session.place}
        console.answer({**head, **cost_json(found.cost, found.note, free=free)})
    else:
        console.say(cost_text(found.cost, session.config.name, session.place, found.note, free=free))
    return 0
