"""A test in a process of its own, forked from this one: what it does to the account is undone when it ends.

So a module makes its stack once, and each of its tests, marked `apart`, finds it as it was made. A fixture that
a test takes is set up before the fork; so stages of a module's scope and of a test's own do not go together, and
tests that want an account of their own come first in such a module.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def run_apart(item: pytest.Function) -> None:
    """Call a test's function in a forked process; it fails with the text of its failure."""
    wanted = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    forked(lambda: item.obj(**wanted), lambda error: str(item.repr_failure(pytest.ExceptionInfo.from_exception(error))))


def forked(work: Callable[[], T], told: Callable[[BaseException], str] | None = None) -> T:
    """What `work` gives in a forked process; where it fails, the test fails with what `told` says of the error."""
    ours, theirs = Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Threads of the test runner are not in the new process, and none of them holds what a test needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if not pid:
        _answer(work, told or (lambda error: "".join(traceback.format_exception(error))), theirs)
    theirs.close()
    try:
        good, answer = ours.recv()
    except EOFError:
        good, answer = False, "the test's process ended without a word"
    finally:
        ours.close()
        os.waitpid(pid, 0)
    if not good:
        pytest.fail(answer, pytrace=False)
    found: T = answer
    return found


def _answer(work: Callable[[], Any], told: Callable[[BaseException], str], pipe: Any) -> None:
    """Do the work, answer, and end the process."""
    gc.disable()  # it would copy every page that it looks at
    try:
        answer: tuple[bool, Any] = (True, work())
    except BaseException as error:
        answer = (False, told(error))
    try:
        pipe.send(answer)
    finally:
        os._exit(0)
