"""`eksprov outputs`: what other programs and people need to know of the stack."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared

_SHOWN = ("stack", "account", "region", "cluster_name", "endpoint", "kubernetes_version", "kubeconfig")


@click.command("outputs", epilog=examples("eksprov outputs", "eksprov outputs --json | jq -r .endpoint"))
@shared
@as_json
@click.pass_obj
def command(desk: Desk, as_json: bool) -> int:
    """Print the cluster's name, endpoint, ARNs and kubeconfig path.

    From the record alone; AWS is not asked. With --json also every output of every step.
    """
    known = desk.backend().outputs()
    if as_json:
        desk.answer(known)
        return 0
    for key in _SHOWN:
        desk.say(f"{key + ':':<20} {known[key]}")
    desk.say("arns:")
    width = max(map(len, known["arns"]), default=0) + 1
    for name, arn in known["arns"].items():
        desk.say(f"  {name + ':':<{width}} {arn}")
    desk.next("kubeconfig")
    return 0
