"""What every test lives under: made-up credentials, no profile files, no network beyond loopback, no real sleep.

The guards are set once, when tests are collected, and stay: a test cannot forget them. A test that drives real
processes may sleep when it is marked `real_time`, `kubernetes`, `journey` or `slow`.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsIndex

import pytest

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))  # helpers are imported as `support.…`
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # read once, when moto is imported; saves about 1.5 s

from support.requests_held import HELD, blind, hold_requests, together, told  # noqa: E402 -- on the path that was added

hold_requests()
SEEN = pytest.StashKey[list[Mapping[str, int]]]()  # the requests of each process, by operation

MAY_SLEEP = ("real_time", "kubernetes", "journey", "slow")
WATCHED = tuple(f"{os.sep}{name}{os.sep}" for name in ("eksprov", "tests", "botocore", "tenacity"))
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
FOREIGN = (
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CA_BUNDLE",
    "KUBECONFIG",
)

for _name in FOREIGN:
    os.environ.pop(_name, None)
os.environ.update(CREDENTIALS)  # for fixtures that live longer than a test


class ForbiddenInTestsError(BaseException):
    """A test did what no test may do; no `except Exception` hides it."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_time: drives real processes and may wait for them")
    config.addinivalue_line("markers", "journey: the real command line against the real control plane")
    config.addinivalue_line("markers", "apart: runs in a forked process, so that the module's stack stays as it is")
    seen: list[Mapping[str, int]] = [HELD.seen]
    config.stash[SEEN] = seen


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    if config.getoption("dist") != "loadfile":
        return None
    from support.shares import Shares

    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # all workers alike
        from support.shares import place

        items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of xdist's has ended."""
    node.config.stash[SEEN].append(getattr(node, "workeroutput", {}).get("held", {}))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run of all tests fails where it has seen fewer operations than it should."""
    seen: list[Mapping[str, int]] = session.config.stash[SEEN]
    if hasattr(session.config, "workerinput"):
        worker: Any = session.config  # of xdist's, which tells the controller what is put there
        worker.workeroutput["held"] = dict(HELD.seen)
    elif _is_whole(session.config) and blind(together(seen)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    every: list[Mapping[str, int]] = config.stash[SEEN]
    seen = together(every)
    if seen:
        terminalreporter.write_line(told(seen))
    if _is_whole(config) and (why := blind(seen)):
        terminalreporter.write_line(f"FAILED: {why}", red=True)


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests were to run, to their end."""
    chosen = config.option.keyword or config.option.markexpr or config.option.deselect or config.option.maxfail
    listed = config.option.collectonly or config.option.ignore or getattr(config.option, "lf", False)
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not (chosen or listed)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if pyfuncitem.get_closest_marker("apart") is None:
        return None
    from support.apart import run_apart

    run_apart(pyfuncitem)
    return True


@pytest.fixture(autouse=True)
def _made_up_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _requests_keep_to_their_models() -> object:
    """Said again at the test's end, for a thread of its own may have been told."""
    before = len(HELD.found)
    yield
    assert HELD.found[before:] == []


@pytest.fixture(autouse=True)
def _sleep_only_where_marked(request: pytest.FixtureRequest) -> object:
    _Sleep.allowed = any(request.node.get_closest_marker(mark) for mark in MAY_SLEEP)
    yield
    _Sleep.allowed = False


class _Sleep:
    """Refuses `time.sleep` to our code, to tests and to what waits on their behalf; other libraries may."""

    allowed = False
    real = staticmethod(time.sleep)

    def __call__(self, seconds: float | SupportsIndex, /) -> None:
        caller = sys._getframe(1).f_code.co_filename
        if not self.allowed and any(part in caller for part in WATCHED):
            raise ForbiddenInTestsError(f"time.sleep({seconds}) in {caller}: bring a clock, or mark the test real_time")
        self.real(seconds)


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return text.endswith(".localhost") or text == socket.gethostname()


class _LoopbackSocket(socket.socket):
    """A socket that connects to this machine alone."""

    def connect(self, address: object) -> None:
        _refuse_strangers(self.family, address)
        super().connect(address)  # type: ignore[arg-type]  # as given

    def connect_ex(self, address: object) -> int:
        _refuse_strangers(self.family, address)
        return super().connect_ex(address)  # type: ignore[arg-type]  # as given


def _refuse_strangers(family: int, address: object) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):  # type: ignore[index]  # a pair
        raise ForbiddenInTestsError(f"connection to {address}: tests reach this machine alone")


_real_getaddrinfo = socket.getaddrinfo


def _loopback_getaddrinfo(host: object, *args: object, **kwargs: object) -> object:
    numeric = isinstance(host, str) and _is_number(host)
    if not numeric and not _is_loopback(host):
        raise ForbiddenInTestsError(f"look-up of {host!r}: tests reach this machine alone")
    return _real_getaddrinfo(host, *args, **kwargs)  # type: ignore[arg-type]  # as given


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


time.sleep = _Sleep()
socket.socket = _LoopbackSocket  # type: ignore[misc]  # the guard
socket.getaddrinfo = _loopback_getaddrinfo  # type: ignore[assignment]  # the guard
