"""The terminal: reads the command line, brings the world together, prints what came of it.

`main` is the composition root: it puts together what a command is given (`program`), from top to bottom. `app` knows
the commands and loads only the one that was asked for; each has a file in `commands`, and calls operations. `console`
is what is printed and asked, `session` one stack, `places` the worlds it may live in. `render` turns plans, outcomes
and problems into text or JSON; `progress` and `live` show a run while it works. `failures` is the only place where
errors become text.

stdout is the answer, stderr is everything else. Nothing of AWS, Kubernetes or pydantic is imported before a command
needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eksprov.cli.console import Console
    from eksprov.cli.program import Program
    from eksprov.cli.session import Session


def main(argv: Sequence[str] | None = None, program: Program | None = None) -> int:
    """Carry out one command line (without the program's name) and return the exit code; never raises.

    Tests bring a `program` of their own; else it is put together here.
    """
    from eksprov.cli.interrupts import end_quietly, leave
    from eksprov.errors import EXIT_INTERRUPTED

    if argv is None:
        end_quietly()  # before anything that takes time to import

    import sys

    from eksprov import operations
    from eksprov.cli.console import Console
    from eksprov.cli.failures import guarded
    from eksprov.cli.program import Program
    from eksprov.cli.streams import settle

    if argv is None:
        settle()
    if program is None:
        console = Console()
        program = Program(console, lambda: _session(console), operations)
    code = guarded(list(sys.argv[1:] if argv is None else argv), program)
    if argv is None and code == EXIT_INTERRUPTED:
        leave(code)
    return code


def _session(console: Console) -> Session:
    from eksprov.cli.session import StackSession  # what only some commands need is loaded by them

    return StackSession(console)
