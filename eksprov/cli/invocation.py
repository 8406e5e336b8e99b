"""How this program was called, so that every command it proposes can be pasted back.

`.venv/bin/python -m eksprov plan` proposes `.venv/bin/python -m eksprov provision`; an installed `eksprov` proposes
`eksprov provision`. Relative paths stay relative: the user is still in the folder they were typed in.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence


def called_as(orig_argv: Sequence[str], argv0: str) -> tuple[str, ...]:
    """The words that start eksprov again, from `sys.orig_argv` and `sys.argv[0]`."""
    words = list(orig_argv)
    for index, word in enumerate(words[:-1]):
        if word == "-m" and words[index + 1] == "eksprov":
            return (words[0], "-m", "eksprov")
        if index and not word.startswith("-") and words[index - 1] not in ("-X", "-W"):
            break  # a script's name: what follows are its own arguments
    name = os.path.basename(argv0)
    if name != "eksprov":
        return ("eksprov",)
    found = shutil.which("eksprov")
    same = found is not None and os.path.realpath(found) == os.path.realpath(argv0)
    return ("eksprov",) if same else (argv0,)


def this_call() -> tuple[str, ...]:
    """The words that started this process."""
    return called_as(sys.orig_argv, sys.argv[0])


def command_line(words: Sequence[str]) -> str:
    """The words as a shell reads them."""
    return shlex.join(words)
