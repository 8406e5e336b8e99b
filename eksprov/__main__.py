"""`python -m eksprov`: says in one line what to do where this Python cannot run it, and else starts the command line.

Any Python somebody may have reads this file, so nothing in it is newer than Python 2.7 but the last import.
"""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C before the command has begun shows no traceback

# [project.dependencies], by the names they are imported by.
_PACKAGES = "boto3 botocore click cryptography filelock jsonschema kubernetes pydantic rich tenacity urllib3 yaml"

_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_checkout = os.path.exists(os.path.join(_root, "Makefile"))
_ready = os.path.exists(os.path.join(_root, ".venv", ".ready"))
_reason = ""

if sys.version_info < (3, 11):
    _reason = "eksprov needs Python 3.11 or later and this is %d.%d" % sys.version_info[:2]
elif _checkout and not (_ready and sys.prefix == os.path.join(_root, ".venv")):
    # Looking takes 10 ms, so not where an installer has seen to it.
    from importlib.util import find_spec

    for _name in _PACKAGES.split():
        if find_spec(_name) is None:
            _reason = "eksprov needs packages that this Python lacks, %s first of all" % _name
            break

if _reason:
    _python = os.path.normpath(os.path.join(os.path.relpath(_root), ".venv", "bin", "python"))
    _cure = "install eksprov and what it needs with a Python that is new enough"
    if _ready:
        _cure = "call it as %s -m eksprov" % _python
    elif _checkout:
        _cure = "run `make setup` in %s once, then call it as %s -m eksprov" % (_root, _python)
    sys.stderr.write("%s (%s): %s\n" % (_reason, sys.executable or "python", _cure))
    sys.exit(2)

from eksprov.cli import main

if __name__ == "__main__":
    sys.exit(main())
