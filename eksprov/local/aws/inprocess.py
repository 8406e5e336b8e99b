"""The local AWS inside this process, for tests: boto3 clients made within talk to it, in virtual time if wanted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # before moto: spares a second of loading

from moto import mock_aws  # after the environment is set
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber
from moto.core.request import Request, normalize_request

from eksprov.local.aws import hooks
from eksprov.local.aws.calls import operation_of, signing_scope
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.contract import KubernetesSide, Product
from eksprov.local.partitions import dns_suffix

COMMON, SOVEREIGN = dns_suffix("us-east-1"), dns_suffix("eusc-de-east-1")


@contextmanager
def emulated_aws(
    kubernetes: KubernetesSide,
    clock_now: Callable[[], float],
    speed: float = 1.0,
    *,
    wall: Callable[[], float] = time.time,
    role_lag: bool = False,
    products: Iterable[Product] = (),
) -> Iterator[LocalAws]:
    """An empty account until the block ends; clients must be made inside, with any credentials of the environment.

    `clock_now` gives the world's time, `wall` the one by which botocore dates its signatures. Not to be nested,
    and one at a time in a process.
    """
    with mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": True}}):
        world = LocalAws(kubernetes, clock_now, speed, wall=wall, role_lag=role_lag, products=products)
        if key := os.environ.get("AWS_ACCESS_KEY_ID"):
            secret, token = (os.environ.get(f"AWS_{name}", "") for name in ("SECRET_ACCESS_KEY", "SESSION_TOKEN"))
            world.keys.add(key, secret, token)
        hooks.install(world)
        _reset_iam()
        with _one_at_a_time(world):
            try:
                yield world
            finally:
                hooks.uninstall()


@contextmanager
def _one_at_a_time(world: LocalAws) -> Iterator[None]:
    def process_request(request: Any) -> Any:
        with world.lock:
            world.advance()
            found: Any = normalize_request(request)  # moto takes it for the request itself and needs not do it again
            found.get_data(cache=True)  # before a form is parsed out of it
            found.url = request.url.replace(f".{SOVEREIGN}/", f".{COMMON}/")  # moto knows its services by this alone
            answer = BotocoreStubber.process_request(botocore_stubber, found)
            if answer is not None:
                _log(world, found, answer[0])
            return answer

    botocore_stubber.process_request = process_request  # type: ignore[method-assign]  # for this block only
    try:
        yield
    finally:
        del botocore_stubber.process_request


def _log(world: LocalAws, found: Request, status: int) -> None:
    _, service = signing_scope(found)
    world.calls.add(service, operation_of(found, service), world.now(), status)


def _reset_iam() -> None:
    # Accounts made before the policies were installed would lack them.
    from moto.iam.models import iam_backends

    iam_backends.reset()
