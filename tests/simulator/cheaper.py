"""What the libraries work out anew for each request, worked out once: thousands of scenarios make a million requests.

Only what cannot differ between two requests of one process: the methods of a class, and a header that nobody reads.
"""

from __future__ import annotations

import functools

import botocore.useragent
import moto.core.responses


def make_requests_cheaper() -> None:
    """For this process and all that are forked from it, for good."""
    moto.core.responses.method_names_from_class = functools.cache(  # type: ignore[attr-defined]
        moto.core.responses.method_names_from_class  # type: ignore[attr-defined]
    )
    botocore.useragent.UserAgentString.to_string = lambda _: "simulator"
