"""`eksprov init`: a config file to start from, and the schema that editors check it by."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click

from eksprov.cli.console import Console
from eksprov.cli.invocation import command_line
from eksprov.cli.options import examples, shared
from eksprov.cli.program import Program
from eksprov.errors import UsageError, unwritable

_NOT_NAME = re.compile(r"[^a-z0-9-]+")
_NAME_LENGTH = 28
# How far a model is looked for: folders below one another, and folders in all, for this may be a home folder.
_DEEP, _FOLDERS = 4, 500


@click.command(
    "init",
    epilog=examples(
        "eksprov init                          eksprov.yaml, named after this folder",
        "eksprov init --full                   every key, with its meaning and default",
        "eksprov init --gpu --private          GPU nodes; no way to the internet, and none from it",
        "eksprov init --name digits            another name for the stack",
        "eksprov init --config prod.yaml       another file",
    ),
)
@shared
@click.option("--name", metavar="NAME", help="The stack's name.  [default: the folder's]")
@click.option("--full", is_flag=True, help="Write every key, with its meaning and default.")
@click.option("--gpu", is_flag=True, help="Add a node group with GPUs.")
@click.option("--private", is_flag=True, help="No NAT gateway and no public endpoint; nodes reach AWS inside the VPC.")
@click.option("--force", is_flag=True, help="Overwrite the files if they exist.")
@click.pass_obj
def command(program: Program, name: str | None, full: bool, gpu: bool, private: bool, force: bool) -> int:
    """Write a config file to start from.

    It is short, and valid as it is; --full has every key. A model folder that is found below it is named in it. Beside
    it comes eksprov.schema.json, by which editors with a YAML language server check and complete it.
    """
    from eksprov.config.load import parse
    from eksprov.config.starting import SCHEMA_FILE, Start, short
    from eksprov.config.template import json_schema, template

    console = program.console
    path = console.settings.config
    model = next(_models(path.absolute().parent), None)
    region = console.settings.region or Start.region
    chosen = name if name is not None else _name(path.absolute().parent.name, Start.name)
    start = Start(chosen, region, gpu, private, model)
    text = template(start) if full else short(start)
    parse(text, str(path))  # a --name or --region that is none is refused here, with its reason
    console.begins(f"{path} may be written")
    _write(path, text, force=force)
    console.say(f"wrote {path}")
    _write_schema(console, path.parent / SCHEMA_FILE, json.dumps(json_schema(), indent=2) + "\n", force=force)
    if model is None:
        console.log(f"{_note()} there is no model below it yet; the file shows where one is named")
    console.next("plan")
    return 0


def _name(text: str, otherwise: str) -> str:
    """Words as the name of a stack or model; `otherwise` where nothing of them can serve."""
    return _NOT_NAME.sub("-", text.lower()).strip("-0123456789")[:_NAME_LENGTH].strip("-") or otherwise


def _models(folder: Path) -> Iterator[tuple[str, str]]:
    """Every model's folder below: a name, and its path from here. Hidden folders and environments are passed over."""
    from eksprov.serving.runtimes.mlserver.settings import SETTINGS
    from eksprov.serving.runtimes.presets import RUNTIMES

    files = {SETTINGS, *(f"model{suffix}" for runtime in RUNTIMES.values() for suffix in runtime.suffixes)}
    for count, (place, below, names) in enumerate(os.walk(folder)):
        path = Path(place).relative_to(folder)
        if path.parts and files & set(names):
            told = [part for part in path.parts if part not in ("model", "models")] or [""]
            yield _name(told[-1], "my-model"), path.as_posix()
        deep = len(path.parts) >= _DEEP or count >= _FOLDERS or "pyvenv.cfg" in names
        below[:] = [] if deep else sorted(name for name in below if not name.startswith((".", "__")))


def _write_schema(console: Console, path: Path, text: str, *, force: bool) -> None:
    """Write it where there is none; another version's is left, and how to renew it is said."""
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, ValueError):
        before = ""
    if before == text:
        return
    if before is not None and not force:
        renewed = f"{console.command('schema', bare=True)} > {command_line((str(path),))}"
        console.log(f"{_note()} {path} is not this version's and was left as it is; renew it with: {renewed}")
        return
    _write(path, text, force=force)
    console.say(f"wrote {path}, by which editors check it")


def _note() -> str:
    return click.style("note:", fg="yellow")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} exists and was left as it is", "pass --force to overwrite it, or name another with --config FILE"
        ) from None
    except OSError as error:
        raise unwritable(path, error, "name another with --config FILE") from error
