"""`eksprov invoke`: ask a model, through the API server's proxy, in the Open Inference Protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.desk import Desk
from eksprov.cli.options import as_json, complete_models, examples, shared
from eksprov.errors import UsageError

if TYPE_CHECKING:
    from eksprov.cli.backend import Backend

SAMPLE = "sample.json"
MAX_BYTES = 64 * 2**20


@click.command(
    "invoke",
    epilog=examples(
        "eksprov invoke digits                         the model's own sample.json, or zeros by its description",
        "eksprov invoke digits --data request.json     a request of the Open Inference Protocol v2",
        "cat request.json | eksprov invoke digits --data - --json",
    ),
)
@shared
@click.argument("name", shell_complete=complete_models)
@click.option(
    "--data",
    metavar="FILE|-|JSON",
    help="A request, or a bare array.  [default: sample.json in or beside the model's folder]",
)
@as_json
@click.pass_obj
def command(desk: Desk, name: str, data: str | None, as_json: bool) -> int:
    """Ask a model and print its answer.

    The request goes through the Kubernetes API server to the model's service, so it works wherever kubectl would.
    """
    from eksprov.cli.render import answer_json, answer_text

    backend = desk.backend()
    request = _request(backend, name, data)
    with desk.progress() as display:
        answer = backend.models.invoke(name, request, display)
    if as_json:
        desk.answer(answer_json(answer))
    else:
        desk.say(answer_text(answer))
    return 0


def _request(backend: Backend, name: str, data: str | None) -> dict[str, Any] | None:
    """The request, or None where the model's own description has to give one. Raises: UsageError."""
    from eksprov.serving.invoke import request_from

    if data is None:
        path = _sample(backend.models.folder(name))
        return request_from(_read(path), str(path)) if path is not None else None
    if data == "-":
        return request_from(sys.stdin.read(MAX_BYTES), "standard input")
    if data.lstrip().startswith(("{", "[")):
        return request_from(data, "--data")
    return request_from(_read(Path(data)), data)


def _sample(folder: Path | None) -> Path | None:
    """The sample request in or beside a model's folder."""
    places = (folder / SAMPLE, folder.parent / SAMPLE) if folder is not None else ()
    return next((path for path in places if path.is_file()), None)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is larger than {MAX_BYTES // 2**20} MiB", "send the data in several requests")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "--data takes a file, - or JSON") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text", "--data takes JSON") from error
