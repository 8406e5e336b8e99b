"""How to get the packages of the extra `local`, in words that can be pasted.

eksprov is in no package index, so pip cannot be asked for its extra by name. A checkout has `make setup`; an installed
eksprov carries in its own metadata what the extra is made of.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import eksprov

ROOT = Path(eksprov.__file__).parents[1]
TOO_NEW = (3, 13)  # for the model server, mlserver 1.7.1


def cure(
    root: Path = ROOT, requires: Sequence[str] | None = None, version: tuple[int, int] = sys.version_info[:2]
) -> str:
    """What to do where packages of the extra are missing.

    `requires` are eksprov's own requirements as its metadata has them; `version` is that of the Python that runs.
    """
    if (root / "Makefile").exists() and (root / "scripts/setup.sh").exists():
        newer = " with PYTHON=python3.12 (or python3.11)" if version >= TOO_NEW else ""
        return f"run `make setup`{newer} in {root}, then call it as {root / '.venv/bin/python'} -m eksprov"
    known = (metadata.requires("eksprov") or ()) if requires is None else requires
    wanted = shlex.join(one.partition(";")[0].strip() for one in known if re.search(r"extra == ['\"]local['\"]", one))
    if version >= TOO_NEW:
        return f"install eksprov with Python 3.11 or 3.12, and with the same: pip install {wanted}"
    return f"{shlex.quote(sys.executable or 'python')} -m pip install {wanted}"
