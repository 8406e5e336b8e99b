"""`eksprov models`: what is served, and how well."""

from __future__ import annotations

import dataclasses

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared


@click.command("models", epilog=examples("eksprov models", "eksprov models --json"))
@shared
@as_json
@click.pass_obj
def command(desk: Desk, as_json: bool) -> int:
    """List the models that are served.

    Those of the config and those still on the cluster: replicas that answer, the contents' digest, the address.
    """
    from eksprov.cli.render import SCHEMA, table

    backend = desk.backend()
    with desk.progress() as display:
        listed = backend.models.listed(display)
    if as_json:
        body = [dataclasses.asdict(model) for model in listed]
        desk.answer({"schema": SCHEMA, "stack": backend.config.name, "place": backend.place, "models": body})
        return 0
    if not listed:
        desk.say("no models, neither in the config nor on the cluster")
        return 0
    rows = [(m.name, m.namespace, f"{m.ready}/{m.wanted}", m.digest[:12] or "-", m.url or "-", m.state) for m in listed]
    desk.say(table(rows, ("model", "namespace", "ready", "digest", "url", "state")))
    serving = [model.name for model in listed if model.ready]
    desk.next(*(("invoke", serving[0]) if serving else ("deploy-model",)))
    return 0
