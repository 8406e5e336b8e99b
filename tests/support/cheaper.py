"""What the libraries work out anew for each request and each client, worked out once: tests make a million requests.

Only what cannot differ between two requests of one process: the methods of a class, the addresses of a service, a
header that nobody reads, the models of botocore's services, which are files.
"""

from __future__ import annotations

import functools
from typing import Any

import botocore.session
import botocore.useragent
import moto.core.responses
from moto.core.base_backend import BaseBackend

from support.cheaper_answers import make_answers_cheaper


@functools.cache
def make_requests_cheaper() -> None:
    """For this process and all that are forked from it, for good."""
    moto.core.responses.method_names_from_class = functools.cache(  # type: ignore[attr-defined]  # imported there
        moto.core.responses.method_names_from_class  # type: ignore[attr-defined]  # imported there
    )
    botocore.useragent.UserAgentString.to_string = lambda self: "simulator"  # type: ignore[method-assign]  # for good
    _share_models()
    _remember_addresses()
    make_answers_cheaper()


def _share_models() -> None:
    """Each session has a loader of its own, and reads the same files again."""
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def _remember_addresses() -> None:
    """Patterns of a service's addresses, as long as the table they are made from is the same."""
    made: dict[Any, tuple[Any, Any]] = {}
    backend: Any = BaseBackend  # whose property has a decorator that hides that it is one
    urls = backend.urls.fget

    def remembered(self: BaseBackend) -> Any:
        key, table = (type(self), tuple(self.url_bases)), dict(self._url_module.url_paths)
        if key not in made or made[key][0] != table:
            made[key] = table, urls(self)
        return made[key][1]

    backend.urls = property(remembered)
