"""`eksprov local`: the local world by hand. Commands start it by themselves; this looks at it and ends it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared

if TYPE_CHECKING:
    from eksprov.local.world import WorldInfo


@click.group(
    "local",
    epilog=examples(
        "eksprov local status --json",
        'eval "$(eksprov local env)"     let the aws CLI, boto3 and `target: aws` use it',
        "eksprov local down              end every process it started",
    ),
)
def command() -> None:
    """Start, end and look at the local world.

    One background process for each state folder: AWS emulated, Kubernetes real. Nothing outlives its end.
    """


@command.command("up", epilog=examples("eksprov local up"))
@shared
@as_json
@click.pass_obj
def up(desk: Desk, as_json: bool) -> int:
    """Start it, or find it running."""
    from eksprov.cli.wiring import LocalWorld

    with desk.progress() as display:
        display.doing("starting the local world")
        found = LocalWorld(desk).up()
    _show(desk, found, as_json=as_json)
    if not as_json:
        desk.next("provision")
    return 0


@command.command("down", epilog=examples("eksprov local down"))
@shared
@as_json
@click.pass_obj
def down(desk: Desk, as_json: bool) -> int:
    """End it and every process it started, also after a crash. Its stacks are gone with it."""
    from eksprov.cli.wiring import LocalWorld

    with desk.progress() as display:
        display.doing("ending the local world")
        ended = LocalWorld(desk).down()
    if as_json:
        desk.answer({"schema": 1, "ended": ended})
    else:
        desk.say("the local world has ended" if ended else "no local world was running")
    return 0


@command.command("status", epilog=examples("eksprov local status", "eksprov local status --json"))
@shared
@as_json
@click.pass_obj
def status(desk: Desk, as_json: bool) -> int:
    """Show whether it runs, where, and its clusters."""
    from eksprov.cli.wiring import LocalWorld

    found = LocalWorld(desk).find()
    if found is None:
        if as_json:
            desk.answer({"schema": 1, "running": False, "aws_endpoint_url": None, "pid": None, "clusters": []})
        else:
            desk.say("no local world is running")
            desk.next("local", "up")
        return 0
    _show(desk, found, as_json=as_json)
    return 0


@command.command("env", epilog=examples('eval "$(eksprov local env)"'))
@shared
@as_json
@click.pass_obj
def env(desk: Desk, as_json: bool) -> int:
    """Print the exports with which the aws CLI, boto3 and `target: aws` use it."""
    from eksprov.cli.wiring import LocalWorld

    variables = LocalWorld(desk).env()
    if as_json:
        desk.answer(variables)
        return 0
    for key, value in variables.items():
        desk.say(f"export {key}={shlex.quote(value)}" if value else f"unset {key}")
    return 0


def _show(desk: Desk, found: WorldInfo, *, as_json: bool) -> None:
    from eksprov.cli.render import world_json, world_text

    if as_json:
        desk.answer(world_json(found))
    else:
        desk.say(world_text(found))
