"""`eksprov invoke`: ask a model, through the API server's proxy, in the Open Inference Protocol."""

from __future__ import annotations

import codecs
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from eksprov.cli.options import as_json, complete_models, examples, shared
from eksprov.cli.program import Program
from eksprov.errors import UsageError

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.serving.requests.rows import Given

SAMPLE: Final = "sample.json"
MAX_BYTES: Final = 64 * 2**20
TIMEOUT_S: Final = 60.0
LONGEST_S: Final = 86400
TAKES: Final = "--data takes a file, - or JSON"
# By its suffix a file is CSV or it is not; any other is looked at.
SUFFIXES: Final = {".csv": True, ".tsv": True, ".json": False, ".jsonl": False, ".ndjson": False}
MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def _seconds(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("a number of seconds, such as 60", context, parameter)
    return value


@click.command(
    "invoke",
    epilog=examples(
        "eksprov invoke digits                         the model's own sample.json, or zeros by its description",
        "eksprov invoke fraud --data rows.csv          a table; the first line names the columns",
        """eksprov invoke fraud --data '{"age": 3, "city": "Bern"}'""",
        "eksprov invoke digits --data request.json     a request of the Open Inference Protocol v2",
        "cat request.json | eksprov invoke digits --data - --json",
    ),
)
@shared
@click.argument("name", shell_complete=complete_models)
@click.option(
    "--data",
    metavar="FILE|-|JSON",
    help=(
        "Rows as objects or lists, pandas' split, CSV with a header, or a whole request.  "
        "[default: sample.json in or beside the model's folder]"
    ),
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, LONGEST_S, min_open=True),
    default=TIMEOUT_S,
    metavar="SECONDS",
    callback=_seconds,
    help="How many seconds the model may take to answer.  [default: 60]",
)
@as_json
@click.pass_obj
def command(program: Program, name: str, data: str | None, timeout_s: float, as_json: bool) -> int:
    """Ask a model and print its answer.

    The request goes through the Kubernetes API server to the model's service, so it works wherever kubectl would.
    """
    from eksprov.cli.render.answer import answer_json, answer_text
    from eksprov.operations.commands.named_models import namespace_of

    console = program.console
    session = program.session()
    namespace = namespace_of(session.config, session.store, name)  # an unknown name is refused before anything is asked
    given = _sample(_folder(session, name)) if data is None else _given(data)
    with console.progress() as display:
        answer = program.operations.invoke(session.opened(display, mint=False), namespace, name, given, timeout_s)
    if as_json:
        console.answer(answer_json(answer))
    else:
        console.say(answer_text(answer))
    return 0


def _folder(session: Session, name: str) -> Path | None:
    """Where the files of one of the config's models lie."""
    from eksprov.operations.commands.named_models import named

    model = named(session.config, name)
    return session.project / model.path if model is not None else None


def _given(data: str) -> Given:
    """What --data says. Raises: UsageError."""
    from eksprov.serving.requests.invoke import read_data

    if data == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed", TAKES)
        return read_data(_text(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"), "standard input")
    if data.lstrip().startswith(("{", "[")) or "\n" in data:
        return read_data(data, "--data")
    return _read(Path(data))


def _sample(folder: Path | None) -> Given | None:
    """The sample in or beside a model's folder; None where the model's own description has to give one."""
    places = (folder / SAMPLE, folder.parent / SAMPLE) if folder is not None else ()
    path = next((path for path in places if path.is_file()), None)
    return _read(path) if path is not None else None


def _read(path: Path) -> Given:
    from eksprov.serving.requests.invoke import read_data

    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {said}", TAKES) from error
    return read_data(_text(content, str(path)), str(path), csv=SUFFIXES.get(path.suffix.lower()))


def _text(content: bytes, source: str) -> str:
    """UTF-8, or UTF-16 where a mark at the beginning says so. Raises: UsageError."""
    if len(content) > MAX_BYTES:
        raise UsageError(f"{source} is larger than {MAX_BYTES // 2**20} MiB", "send the data in several requests")
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no text", "--data takes JSON or CSV in UTF-8") from error
