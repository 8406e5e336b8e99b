"""`eksprov state`: what is recorded, by hand. Nobody needs it as long as nothing has gone wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.options import as_json, examples, shared, yes
from eksprov.cli.program import Program
from eksprov.errors import NotThereError

if TYPE_CHECKING:
    from eksprov.operations.commands.state_files import Shown

_HOLDER = ("command", "user", "host", "pid", "since", "expires_at")


@click.group(
    "state",
    epilog=examples(
        "eksprov state show                what is recorded, and who holds the lock",
        "eksprov state pull --file a.json  take it out",
        "eksprov state push a.json         put it back",
        "eksprov state unlock              free a lock whose holder has died",
    ),
)
def command() -> None:
    """Show, take out, put back and unlock what is recorded.

    It is never needed to know what exists: the tags on every resource say that, and a lost state is rebuilt from them.
    """


@command.command("show", epilog=examples("eksprov state show", "eksprov state show --json | jq .lock"))
@shared
@as_json
@click.pass_obj
def show(program: Program, as_json: bool) -> int:
    """Show what is recorded, and who holds the lock; the resources themselves are not asked."""
    from eksprov.operations.commands import state_files

    console = program.console
    session = program.session()
    shown = state_files.show(session.store)
    if as_json:
        console.answer(_json(shown, session.config.name))
    else:
        console.say(_text(shown, session.config.name))
    if shown.state is None:
        raise NotThereError(f"nothing is recorded in {shown.where}", "make it with `eksprov provision`")
    if not as_json:
        console.next("status")
    return 0


@command.command("pull", epilog=examples("eksprov state pull > state.json", "eksprov state pull --file state.json"))
@shared
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there (0600).")
@click.pass_obj
def pull(program: Program, file: Path | None) -> int:
    """Print the state as JSON."""
    from eksprov.operations.commands import state_files

    console = program.console
    data = state_files.pull(program.session().store)
    if file is None:
        console.say(data.decode().rstrip("\n"))
        return 0
    console.begins(f"{file} may be written")
    state_files.write_private(file, data)
    console.say(f"wrote {file}")
    return 0


@command.command(
    "push", epilog=examples("eksprov state push state.json", "eksprov state push state/demo.json.bak --force")
)
@shared
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Also one that is older than what is there, or where that is damaged.")
@click.pass_obj
def push(program: Program, file: Path, force: bool) -> int:
    """Put a file in place of the state.

    It must be this stack's, in this account and region, with a higher serial than what is there. What was there
    before stays as the backup.
    """
    from eksprov.operations.commands import state_files

    console = program.console
    session = program.session()
    incoming = state_files.read_file(file, session.config.name)
    here = state_files.Here(session.config.name, session.account(), session.config.region)
    state_files.refuse_elsewhere(incoming, file, here)
    with session.locked("state push"):
        changed = state_files.push(session.store, incoming, file, force=force, begins=console.begins)
    console.say(f"{session.store.where()}: {'replaced' if changed else 'the same already; nothing was changed'}")
    console.next("plan")
    return 0


@command.command("unlock", epilog=examples("eksprov state unlock", "eksprov state unlock --yes"))
@shared
@yes
@click.pass_obj
def unlock(program: Program, yes: bool) -> int:
    """Free a lock whose holder has died.

    Only for a lock in S3 that another machine, or a process of this one that has ended, left behind. Make sure that it
    has ended: two runs at once are what the lock is for.
    """
    from eksprov.operations.commands import state_files

    console = program.console
    session = program.session()
    holder = state_files.held(session.store)
    if holder is None:
        console.say(f"nobody holds the lock of stack {session.config.name}")
        return 0
    console.log(f"the lock of stack {session.config.name} is held by {holder}")
    if console.must_confirm(yes=yes):
        console.confirm("Has that run ended for certain? Type yes to free the lock:")
    console.begins("the lock may be free already; `eksprov state show` tells")
    session.store.unlock(holder)
    console.say(f"the lock of stack {session.config.name} is free")
    console.next("plan")
    return 0


def _json(shown: Shown, stack: str) -> dict[str, Any]:
    state, holder = shown.state, shown.holder
    records = state.steps if state is not None else {}
    keys = ("kind", "slug", "status", "changed_at", "error")
    return {
        "schema": 1,
        "stack": stack,
        "where": shown.where,
        "stack_id": state.stack_id if state else "",
        "account": state.account if state else "",
        "region": state.region if state else "",
        "serial": state.serial if state else None,
        "lock": {key: value for key, value in dataclasses.asdict(holder).items() if key in _HOLDER} if holder else None,
        "open_intents": list(shown.open_intents),
        "steps": [{"name": name, **{key: getattr(record, key) for key in keys}} for name, record in records.items()],
    }


def _text(shown: Shown, stack: str) -> str:
    from eksprov.cli.render.text import table

    state, lines = shown.state, [f"stack {stack}, recorded in {shown.where}:"]
    if state is None:
        lines.append("nothing is recorded")
    else:
        lines.append(f"id {state.stack_id or '-'}, account {state.account}, {state.region}, serial {state.serial}")
        rows = [(name, r.status, r.changed_at or "-", r.error) for name, r in state.steps.items()]
        lines += [table(rows, ("step", "recorded", "changed", "error"))] if rows else []
    lines += [f"open intent: {name}" for name in shown.open_intents]
    lines.append(f"lock: {shown.holder or 'free'}")
    return "\n".join(lines)
