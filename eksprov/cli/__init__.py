"""The terminal: reads the command line, brings the world together, prints what came of it.

`app` knows the commands and loads only the one that was asked for; each has a file in `commands`. `wiring` is the
composition root, the one place that knows which world a config means; `backend` is what commands ask of it. `render`
turns plans, outcomes and problems into text or JSON; `progress` and `live` show a run while it works. `failures` is
the only place where errors become text.

stdout is the answer, stderr is everything else. Nothing of AWS, Kubernetes or pydantic is imported before a command
needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eksprov.cli.desk import Desk


def main(argv: Sequence[str] | None = None, desk: Desk | None = None) -> int:
    """Carry out one command line (without the program's name) and return the exit code; never raises.

    `desk` is what the command works at; tests bring one with a scripted backend.
    """
    from eksprov.cli.interrupts import end_quietly, leave
    from eksprov.errors import EXIT_INTERRUPTED

    if argv is None:
        end_quietly()  # before anything that takes time to import

    import sys

    from eksprov.cli.desk import Desk
    from eksprov.cli.failures import guarded
    from eksprov.cli.streams import settle

    if argv is None:
        settle()
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = guarded(arguments, desk or Desk())
    if argv is None and code == EXIT_INTERRUPTED:
        leave(code)
    return code
