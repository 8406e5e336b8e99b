"""`eksprov init`: a commented config file to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import examples, shared
from eksprov.errors import UsageError

_NAME = re.compile(r"[^a-z0-9-]+")


@click.command(
    "init",
    epilog=examples(
        "eksprov init                          eksprov.yaml, named after this folder",
        "eksprov init --name digits            another name for the stack",
        "eksprov init --config prod.yaml       another file",
    ),
)
@shared
@click.option("--name", metavar="NAME", help="The stack's name.  [default: the folder's]")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@click.pass_obj
def command(desk: Desk, name: str | None, force: bool) -> int:
    """Write a commented config file."""
    from eksprov.config.load import parse
    from eksprov.config.template import template

    path = desk.settings.config
    text = template(name if name is not None else _folder_name(path))
    parse(text, str(path))  # a --name that is none is refused here, with its reason
    _write(path, text, force=force)
    desk.say(f"wrote {path}")
    desk.next("validate")
    return 0


def _folder_name(path: Path) -> str:
    """The folder's name as a stack's, or a plain one where nothing of it can serve."""
    name = _NAME.sub("-", path.absolute().parent.name.lower()).strip("-0123456789")[:28].strip("-")
    return name or "my-stack"


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists and was left as it is", "pass --force to overwrite it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "name another with --config FILE") from error
