"""`eksprov cost`: what the stack costs, resource by resource."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared


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
def command(desk: Desk, offline: bool, as_json: bool) -> int:
    """Show what the stack costs and would cost.

    That is: now, and as the config says. Prices come from the Price List API, or from a dated table where it cannot
    be asked. What has no known price is counted; traffic and whatever else is billed by use is named and left out.
    """
    from eksprov.cli.render import SCHEMA
    from eksprov.cli.render_forecast import cost_json, cost_text

    backend = desk.backend()
    if offline:
        found = backend.forecasts.offline(backend.offline_plan())
    else:
        with desk.progress() as display:
            found = backend.forecasts.costs(display)
    free = not backend.paid
    if as_json:
        head = {"schema": SCHEMA, "stack": backend.config.name, "place": backend.place}
        desk.answer({**head, **cost_json(found.cost, found.note, free=free)})
    else:
        desk.say(cost_text(found.cost, backend.config.name, backend.place, found.note, free=free))
    return 0
