"""`eksprov local`: the local world by hand. Commands start it by themselves; this looks at it and ends it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared

LED_ASTRAY_BY = ("AWS_PROFILE", "AWS_SESSION_TOKEN")  # settings of the user's that outrank or spoil plain keys


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
    """Start it, or find it running; Kubernetes begins with the first cluster."""
    from eksprov.cli.wiring import local_world

    world, speed = local_world(), desk.config().local.speed
    with desk.progress() as display:
        display.doing("starting the local world")
        world.up(desk.state_folder(), speed, desk.environ)
        found = world.status(desk.state_folder(), desk.environ)
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
    from eksprov.cli.wiring import local_world

    world = local_world()
    with desk.progress() as display:
        display.doing("ending the local world")
        ended: list[str] = world.down(desk.state_folder(), desk.environ)
    if as_json:
        desk.answer({"schema": 1, "ended": ended})
    else:
        desk.say(f"ended: {', '.join(ended)}" if ended else "no local world was running")
    return 0


@command.command("status", epilog=examples("eksprov local status", "eksprov local status --json"))
@shared
@as_json
@click.pass_obj
def status(desk: Desk, as_json: bool) -> int:
    """Show whether it runs, where, and its clusters."""
    from eksprov.cli.wiring import local_world

    world = local_world()
    if world.find(desk.state_folder(), desk.environ) is None:
        if as_json:
            desk.answer({"schema": 1, "running": False, "aws_endpoint_url": None, "pid": None, "clusters": []})
        else:
            desk.say("no local world is running")
            desk.next("local", "up")
        return 0
    _show(desk, world.status(desk.state_folder(), desk.environ), as_json=as_json)
    return 0


@command.command("env", epilog=examples('eval "$(eksprov local env)"'))
@shared
@as_json
@click.pass_obj
def env(desk: Desk, as_json: bool) -> int:
    """Print the exports with which the aws CLI, boto3 and `target: aws` use it."""
    from eksprov.cli.wiring import local_world

    region = desk.settings.region or desk.config().region
    variables: dict[str, str] = local_world().env(desk.state_folder(), desk.environ, region)
    if as_json:
        desk.answer(variables)
        return 0
    for name in LED_ASTRAY_BY:
        desk.say(f"unset {name}")
    for key, value in variables.items():
        desk.say(f"export {key}={shlex.quote(value)}")
    return 0


def _show(desk: Desk, found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        desk.answer({"schema": 1, "running": True, **found})
        return
    from eksprov.cli.render import world_text

    desk.say(world_text(found))
