"""`eksprov token`: what kubectl calls when it needs a token. It must be quick: botocore alone, no config, no state."""

from __future__ import annotations

import click

from eksprov.cli.options import examples, shared
from eksprov.cli.program import Program
from eksprov.errors import UsageError


@click.command("token", epilog=examples("eksprov token --cluster-name digits --region us-west-2"))
@shared
@click.option("--cluster-name", required=True, metavar="NAME", help="The cluster the token is for.")
@click.option("--json", is_flag=True, expose_value=False, help="Accepted everywhere; this is always JSON.")
@click.pass_obj
def command(program: Program, cluster_name: str) -> int:
    """Print a token for kubectl (used by the kubeconfig).

    An ExecCredential of client.authentication.k8s.io/v1, good for 14 minutes. Signed with the ordinary credential
    chain; AWS_ENDPOINT_URL is honoured. No call is made.
    """
    import botocore.session

    from eksprov.aws.faults import translated
    from eksprov.cli.places import KEYS_ONLY, bare_session
    from eksprov.kube.token import eks_token, exec_credential

    console = program.console
    with translated("make a token"):
        if console.environ.get(KEYS_ONLY):
            session = bare_session()
        else:
            session = botocore.session.Session(profile=console.settings.profile)
        region = console.settings.region or session.get_config_variable("region")
        if not region:
            raise UsageError("no region is known", "pass --region")
        token, expires_at = eks_token(session.create_client("sts", region_name=region), cluster_name)
    console.say(exec_credential(token, expires_at))
    return 0
