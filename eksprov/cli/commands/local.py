"""`eksprov local`: the local world by hand. Commands start it by themselves; this looks at it and ends it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import click

from eksprov.cli.console import Console
from eksprov.cli.options import as_json, examples, shared, yes
from eksprov.cli.program import Program
from eksprov.errors import LocalWorldError, NoLocalWorldError

NOTHING_ON: Mapping[str, Any] = {"on": [], "seed": 0, "on_by_config": [], "struck": []}
LED_ASTRAY_BY = ("AWS_PROFILE", "AWS_SESSION_TOKEN")  # settings of the user's that outrank or spoil plain keys


@click.group(
    "local",
    epilog=examples(
        "eksprov local status --json",
        'eval "$(eksprov local env)"     let the aws CLI, boto3 and `target: aws` use it',
        "eksprov local faults set throttle lost-answers   see how a run copes",
        "eksprov local down              end every process it started",
    ),
)
def command() -> None:
    """Start, end and look at the local world.

    One background process for each state folder: AWS emulated, Kubernetes real. Nothing outlives its end. One that a
    command started ends ten minutes after its last command, if no stack is in it.
    """


@command.command("up", epilog=examples("eksprov local up"))
@shared
@as_json
@click.pass_obj
def up(program: Program, as_json: bool) -> int:
    """Start it, or find it running; Kubernetes begins with the first cluster. It stays until `local down`."""
    from eksprov.cli.places import local_world, start_local

    console = program.console
    world = local_world()
    with console.progress() as display:
        start_local(
            console.settings.read_config(),
            console.settings.state_folder,
            console.environ,
            display,
            keep=True,
            begins=console.begins,
        )
        found = world.status(console.settings.state_folder, console.environ)
    _show(console, found, as_json=as_json)
    if not as_json:
        console.next("provision")
    return 0


@command.command("down", epilog=examples("eksprov local down", "eksprov local down --yes   asks nothing"))
@shared
@yes
@as_json
@click.pass_obj
def down(program: Program, yes: bool, as_json: bool) -> int:
    """End it and every process it started, also after a crash.

    Its stacks are gone with it, so it asks first where one is in it.
    """
    from eksprov.cli.places import local_world

    console = program.console
    world = local_world()
    stacks = _stacks_in(console)
    if stacks and console.must_confirm(yes=yes):
        console.confirm(f"Delete {', '.join(stacks)} with the local world? Type yes:")
    with console.progress() as display:
        display.doing("ending the local world")
        console.begins("the local world may be ending by itself; `eksprov local status` tells")
        ended: list[str] = world.down(console.settings.state_folder, console.environ)
    if as_json:
        console.answer({"schema": 1, "ended": ended})
    else:
        console.say(f"ended: {', '.join(ended)}" if ended else "no local world was running")
    return 0


@command.command("status", epilog=examples("eksprov local status", "eksprov local status --json"))
@shared
@as_json
@click.pass_obj
def status(program: Program, as_json: bool) -> int:
    """Show whether it runs, where, and its clusters."""
    from eksprov.cli.places import local_world

    console = program.console
    world = local_world()
    if world.find(console.settings.state_folder, console.environ) is None:
        if as_json:
            console.answer({"schema": 1, "running": False, "aws_endpoint_url": None, "pid": None, "clusters": []})
        raise NoLocalWorldError("no local world is running", "start it with `eksprov local up`")
    _show(console, world.status(console.settings.state_folder, console.environ), as_json=as_json)
    return 0


@command.command("list", epilog=examples("eksprov local list", "eksprov local list --json"))
@shared
@as_json
@click.pass_obj
def list_worlds(program: Program, as_json: bool) -> int:
    """Show every local world of yours that runs, whatever folder it belongs to."""
    from eksprov.cli.places import local_world
    from eksprov.cli.render.world import worlds_text

    console = program.console
    local_world()  # says so where its packages are missing
    from eksprov.local.worlds import every

    worlds = [
        {
            "state_folder": one.state,
            "home": str(one.info.home),
            "pid": one.info.pid,
            "aws_endpoint_url": one.info.url,
            "started_at": one.info.started_at,
            "version": one.info.version,
            "stacks": list(one.stacks),
            "kept": one.kept,
            "ends_in_s": one.ends_in_s,
        }
        for one in every()
    ]
    if as_json:
        console.answer({"schema": 1, "worlds": worlds})
    else:
        console.say(worlds_text(worlds))
    return 0


@command.command("env", epilog=examples('eval "$(eksprov local env)"'))
@shared
@as_json
@click.pass_obj
def env(program: Program, as_json: bool) -> int:
    """Print the exports with which the aws CLI, boto3 and `target: aws` use it."""
    from eksprov.cli.places import local_world

    console = program.console
    region = console.settings.region or console.settings.read_config().region
    variables: dict[str, str] = local_world().env(console.settings.state_folder, console.environ, region)
    if as_json:
        console.answer(variables)
        return 0
    for name in LED_ASTRAY_BY:
        console.say(f"unset {name}")
    for key, value in variables.items():
        console.say(f"export {key}={shlex.quote(value)}")
    return 0


@command.group(
    "faults",
    epilog=examples(
        "eksprov local faults list",
        "eksprov local faults set no-capacity:g5.xlarge/SPOT quota:L-DB2E81BA=0",
        "eksprov local faults set throttle lost-answers --seed 7",
    ),
)
def faults() -> None:
    """Switch on what goes wrong with AWS, to see how a run copes.

    Each is a name, some with an argument after a colon. They last until they are cleared, or the local world ends;
    those under `local.faults` in the config last as long as they stand there.
    """


@faults.command("list", epilog=examples("eksprov local faults list", "eksprov local faults list --json"))
@shared
@as_json
@click.pass_obj
def faults_list(program: Program, as_json: bool) -> int:
    """Explain the faults there are, and show those that are on and what they have struck."""
    from eksprov.cli.places import local_world
    from eksprov.local.faults.names import FAULTS, shown

    console = program.console
    world = local_world()
    runs = world.find(console.settings.state_folder, console.environ) is not None
    found = world.faults(console.settings.state_folder, console.environ) if runs else NOTHING_ON
    if as_json:
        console.answer({"schema": 1, "known": {name: word.says for name, word in FAULTS.items()}, **found})
        return 0
    width = max(len(shown(name)) for name in FAULTS)
    for name, word in FAULTS.items():
        console.say(f"{shown(name):{width}}  {word.says}")
    _show_on(console, found)
    return 0


@faults.command(
    "set",
    epilog=examples(
        "eksprov local faults set no-capacity:g5.xlarge no-capacity:usw2-az1/SPOT",
        "eksprov local faults set leaked-interface left-load-balancer left-volume",
        "eksprov local faults set nodegroup-create-failed:InsufficientFreeAddresses",
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides which calls are struck.")
@shared
@as_json
@click.pass_obj
def faults_set(program: Program, names: tuple[str, ...], seed: int, as_json: bool) -> int:
    """Switch these on, and off what was set before."""
    console = program.console
    _switch(console, names, seed, as_json=as_json)
    return 0


@faults.command("clear", epilog=examples("eksprov local faults clear"))
@shared
@as_json
@click.pass_obj
def faults_clear(program: Program, as_json: bool) -> int:
    """Switch off what was set."""
    console = program.console
    _switch(console, (), 0, as_json=as_json)
    return 0


def _stacks_in(console: Console) -> list[str]:
    """The clusters that end with the world; none where it does not answer, for then nothing is left to be lost."""
    from eksprov.cli.places import local_world

    world = local_world()
    try:
        if world.find(console.settings.state_folder, console.environ) is None:
            return []
        return [
            f"cluster {cluster['name']}"
            for cluster in world.status(console.settings.state_folder, console.environ)["clusters"]
        ]
    except LocalWorldError:
        return []


def _switch(console: Console, names: tuple[str, ...], seed: int, *, as_json: bool) -> None:
    from eksprov.cli.places import local_world

    region = console.settings.region or console.settings.read_config().region
    console.begins("the faults may be switched already; `eksprov local faults list` tells")
    found = local_world().set_faults(console.settings.state_folder, console.environ, names, seed, region)
    if as_json:
        console.answer({"schema": 1, **found})
    else:
        _show_on(console, found)


def _show_on(console: Console, found: Mapping[str, Any]) -> None:
    seed = f" (seed {found['seed']})" if found["seed"] else ""
    console.say(f"on: {', '.join(found['on']) or 'none'}{seed}")
    if found["on_by_config"]:
        console.say(f"on by local.faults in the config: {', '.join(found['on_by_config'])}")
    if found["struck"]:
        console.say(f"struck so far: {len(found['struck'])}, last {found['struck'][-1]}")


def _show(console: Console, found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        console.answer({"schema": 1, "running": True, **found})
        return
    from eksprov.cli.render.text import world_text

    console.say(world_text(found))
