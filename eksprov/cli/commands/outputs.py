"""`eksprov outputs`: what other programs and people need to know of the stack."""

from __future__ import annotations

import click

from eksprov.cli.options import as_json, examples, shared
from eksprov.cli.program import Program

_SHOWN = ("stack", "account", "region", "cluster_name", "endpoint", "kubernetes_version")


@click.command("outputs", epilog=examples("eksprov outputs", "eksprov outputs --json | jq -r .endpoint"))
@shared
@as_json
@click.pass_obj
def command(program: Program, as_json: bool) -> int:
    """Print the cluster's name, endpoint, ARNs and kubeconfig path.

    From the record alone; AWS is not asked. With --json also every output of every step. A terminal that is too narrow
    gets the ends of the ARNs; a pipe, --json and -v get them whole.
    """
    from eksprov.cli.render.text import fitted
    from eksprov.kube.kubeconfig import default_path
    from eksprov.operations.commands.outputs import outputs

    console = program.console
    session = program.session()
    known = outputs(session.config, session.store, default_path(console.environ))
    if as_json:
        console.answer(known)
        return 0
    for key in _SHOWN:
        console.say(f"{key + ':':<20} {known[key]}")
    unwritten = f"no entry in {known['kubeconfig_default']} yet; `{console.command('kubeconfig')}` writes it"
    console.say(f"{'kubeconfig:':<20} {known['kubeconfig'] or unwritten}")
    console.say("arns:")
    width, columns = max(map(len, known["arns"]), default=0) + 1, console.columns()
    for name, arn in known["arns"].items():
        console.say(f"  {name + ':':<{width}} {fitted(arn, columns - width - 3) if columns else arn}")
    if columns and any(len(arn) > columns - width - 3 for arn in known["arns"].values()):
        console.log("ARNs are cut to the terminal; -v shows them whole")
    if known["kubeconfig"]:
        console.log(f"{click.style('next:', bold=True)} kubectl --context {known['kubeconfig_context']} get nodes")
    else:
        console.next("kubeconfig")
    return 0
