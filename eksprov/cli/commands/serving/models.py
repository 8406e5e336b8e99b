"""`eksprov models`: what is served, and how well."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program

if TYPE_CHECKING:
    from eksprov.operations.serving.states import Listed


@click.command("models", epilog=examples("eksprov models", "eksprov models --json"))
@shared
@as_json
@click.pass_obj
def command(program: Program, as_json: bool) -> int:
    """List the models that are served.

    Those of the config and those still on the cluster: replicas that answer, the digest of the contents that they
    serve, the address; and of one that is not ready, why.
    """
    from eksprov.cli.render.text import SCHEMA, table

    console = program.console
    session = program.session()
    with console.progress() as display:
        listed = program.operations.listed(session.opened(display, mint=False))
    if as_json:
        body = [dataclasses.asdict(model) for model in listed]
        console.answer({"schema": SCHEMA, "stack": session.config.name, "place": session.place, "models": body})
        return 0
    if not listed:
        console.say("no models, neither in the config nor on the cluster")
        return 0
    rows = [(m.name, m.namespace, f"{m.ready}/{m.wanted}", _digests(m), m.url or "-", m.state) for m in listed]
    console.say(table(rows, ("model", "namespace", "ready", "digest", "url", "state")))
    for line in (line for model in listed for line in _remarks(model)):
        console.say(line)
    serving = [model.name for model in sorted(listed, key=lambda model: model.state != "ready") if model.ready]
    console.next(*(("invoke", serving[0]) if serving else ("deploy-model",)))
    return 0


def _digests(model: Listed) -> str:
    """Those of the pods that answer, shortened."""
    return ",".join(one[:12] for one in model.digest.split(",")) or "-"


def _remarks(model: Listed) -> list[str]:
    """What else is to be known: why it is not ready, what it is to serve instead, that the config has it no more."""
    from eksprov.cli.words import clean

    said = []
    if model.reason:
        said.append(f"{model.name}, {model.state}: {clean(' '.join(model.reason.split()))}")
    if model.digest and model.wanted_digest and model.digest != model.wanted_digest:
        said.append(f"{model.name} is to serve {model.wanted_digest[:12]}, and serves {_digests(model)}")
    if not model.in_config:
        cure = f"`eksprov undeploy-model {model.name}` takes it off the cluster"
        said.append(f"{model.name} is not in the config: {cure}")
    return said
