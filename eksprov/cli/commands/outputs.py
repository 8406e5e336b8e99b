"""`eksprov outputs`: what other programs and people need to know of the stack."""

from __future__ import annotations

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared

_SHOWN = ("stack", "account", "region", "cluster_name", "endpoint", "kubernetes_version")


@click.command("outputs", epilog=examples("eksprov outputs", "eksprov outputs --json | jq -r .endpoint"))
@shared
@as_json
@click.pass_obj
def command(desk: Desk, as_json: bool) -> int:
    """Print the cluster's name, endpoint, ARNs and kubeconfig path.

    From the record alone; AWS is not asked. With --json also every output of every step. A terminal that is too narrow
    gets the ends of the ARNs; a pipe, --json and -v get them whole.
    """
    from eksprov.cli.render import fitted

    known = desk.backend().outputs()
    if as_json:
        desk.answer(known)
        return 0
    for key in _SHOWN:
        desk.say(f"{key + ':':<20} {known[key]}")
    unwritten = f"no entry in {known['kubeconfig_default']} yet; `{desk.command('kubeconfig')}` writes it"
    desk.say(f"{'kubeconfig:':<20} {known['kubeconfig'] or unwritten}")
    desk.say("arns:")
    width, columns = max(map(len, known["arns"]), default=0) + 1, desk.columns()
    for name, arn in known["arns"].items():
        desk.say(f"  {name + ':':<{width}} {fitted(arn, columns - width - 3) if columns else arn}")
    if columns and any(len(arn) > columns - width - 3 for arn in known["arns"].values()):
        desk.log("ARNs are cut to the terminal; -v shows them whole")
    if known["kubeconfig"]:
        desk.log(f"{click.style('next:', bold=True)} kubectl --context {known['kubeconfig_context']} get nodes")
    else:
        desk.next("kubeconfig")
    return 0
