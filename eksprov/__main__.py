"""`python -m eksprov`: says in one line what to do where this Python cannot run it, and else starts the command line.

This file is read by any Python somebody may have, so it uses nothing newer than Python 2.7 above the version check.
"""

import sys

_NEWEST = "eksprov needs Python 3.11 or later and this is %d.%d" % sys.version_info[:2]
# [project.dependencies], by the names they are imported by.
_PACKAGES = (
    "boto3",
    "botocore",
    "click",
    "cryptography",
    "filelock",
    "kubernetes",
    "pydantic",
    "rich",
    "tenacity",
    "yaml",
)


def _stop(reason):  # type: ignore[no-untyped-def]  # annotations are newer than the oldest Python that reads this
    import os

    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    python = os.path.join(os.path.relpath(root), ".venv", "bin", "python")
    if python.startswith("./"):
        python = python[2:]
    if os.path.exists(os.path.join(root, ".venv", ".ready")):
        cure = "use %s -m eksprov" % python
    elif os.path.exists(os.path.join(root, "Makefile")):
        cure = "run `make setup` there once (it makes .venv), then %s -m eksprov" % python
    else:
        cure = "pip install eksprov, with a Python that is new enough"
    sys.stderr.write("%s (%s): %s\n" % (reason, sys.executable or "python", cure))
    sys.exit(2)


if sys.version_info < (3, 11):
    _stop(_NEWEST)

import importlib.util

_missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
if _missing:
    _stop("eksprov needs packages that this Python lacks, %s first of all" % _missing[0])

from eksprov.cli import main

if __name__ == "__main__":
    sys.exit(main())
