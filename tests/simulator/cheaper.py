"""What nobody in the simulator looks at is left out of each request, and where a request goes is found out once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import botocore.auth
import moto.core.botocore_stubber as stubber
from botocore.compat import get_current_datetime
from moto import backends
from moto.backend_index import backend_url_patterns
from moto.core.base_backend import BackendDict
from moto.core.models import DEFAULT_ACCOUNT_ID
from werkzeug.exceptions import HTTPException


def leave_out_what_nobody_sees() -> None:
    """For this process and all that are forked from it, for good: in one process only STS looks at signatures."""
    botocore.auth.SigV4Auth.add_auth = _signing(  # type: ignore[method-assign]  # for good
        botocore.auth.SigV4Auth.add_auth
    )


def _signing(dear: Callable[..., None]) -> Callable[..., None]:
    """Who signs and when is said, nothing is added up."""

    def add_auth(self: Any, request: Any) -> None:
        if self._service_name == "sts":
            dear(self, request)
            return
        request.context["timestamp"] = get_current_datetime().strftime(botocore.auth.SIGV4_TIMESTAMP)
        if "Authorization" in request.headers:
            del request.headers["Authorization"]
        self._set_necessary_date_headers(request)
        said = f"AWS4-HMAC-SHA256 Credential={self.scope(request)}, SignedHeaders=host, Signature=0"
        request.headers["Authorization"] = said

    return add_auth


def answered(request: Any) -> Any:
    """What moto answers, as its own stubber for botocore would."""
    method = door(request.url.partition("?")[0])
    found = stubber.normalize_request(request)  # type: ignore[attr-defined]  # the one that stands there, which may be ours
    try:
        return method(found, found.raw_url, found.headers)
    except HTTPException as error:
        return error.code, error.get_headers(), error.get_body()


@functools.cache
def door(url: str) -> Callable[..., Any]:
    """Who answers at a URL. Raises: LookupError."""
    for service in (service for service, pattern in backend_url_patterns if pattern.match(url)):
        kept = backends.get_backend(service)  # type: ignore[call-overload]  # one of its names, which are literals
        if isinstance(kept, BackendDict):
            regions: Any = kept[DEFAULT_ACCOUNT_ID]
            backend: Any = regions["us-east-1" if "us-east-1" in regions else "aws"]
        else:
            backend = kept["global"]
        for pattern, method in backend.urls.items():
            if re.match(pattern, url):
                found: Callable[..., Any] = method
                return found
    raise LookupError(url)
