"""`eksprov state`: what is recorded, by hand. Nobody needs it as long as nothing has gone wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, examples, shared, yes
from eksprov.errors import NotThereError

if TYPE_CHECKING:
    from eksprov.cli.states import Shown

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
def show(desk: Desk, as_json: bool) -> int:
    """Show what is recorded, and who holds the lock; the resources themselves are not asked."""
    backend = desk.backend()
    shown = backend.states.show()
    if as_json:
        desk.answer(_json(shown, backend.config.name))
    else:
        desk.say(_text(shown, backend.config.name))
    if shown.state is None:
        raise NotThereError(f"nothing is recorded in {shown.where}", "make it with `eksprov provision`")
    if not as_json:
        desk.next("status")
    return 0


@command.command("pull", epilog=examples("eksprov state pull > state.json", "eksprov state pull --file state.json"))
@shared
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there (0600).")
@click.pass_obj
def pull(desk: Desk, file: Path | None) -> int:
    """Print the state as JSON."""
    from eksprov.cli.states import write_private

    data = desk.backend().states.pull()
    if file is None:
        desk.say(data.decode().rstrip("\n"))
        return 0
    desk.begins(f"{file} may be written")
    write_private(file, data)
    desk.say(f"wrote {file}")
    return 0


@command.command(
    "push", epilog=examples("eksprov state push state.json", "eksprov state push state/demo.json.bak --force")
)
@shared
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Also one that is older than what is there, or where that is damaged.")
@click.pass_obj
def push(desk: Desk, file: Path, force: bool) -> int:
    """Put a file in place of the state.

    It must be this stack's, in this account and region, with a higher serial than what is there. What was there
    before stays as the backup.
    """
    backend = desk.backend()
    changed = backend.states.push(file, force=force)
    desk.say(f"{backend.store.where()}: {'replaced' if changed else 'the same already; nothing was changed'}")
    desk.next("plan")
    return 0


@command.command("unlock", epilog=examples("eksprov state unlock", "eksprov state unlock --yes"))
@shared
@yes
@click.pass_obj
def unlock(desk: Desk, yes: bool) -> int:
    """Free a lock whose holder has died.

    Only for a lock in S3 that another machine, or a process of this one that has ended, left behind. Make sure that it
    has ended: two runs at once are what the lock is for.
    """
    backend = desk.backend()
    holder = backend.states.held()
    if holder is None:
        desk.say(f"nobody holds the lock of stack {backend.config.name}")
        return 0
    desk.log(f"the lock of stack {backend.config.name} is held by {holder}")
    if desk.must_confirm(yes=yes):
        desk.confirm("Has that run ended for certain? Type yes to free the lock:")
    desk.begins("the lock may be free already; `eksprov state show` tells")
    backend.store.unlock(holder)
    desk.say(f"the lock of stack {backend.config.name} is free")
    desk.next("plan")
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
    from eksprov.cli.render import table

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
