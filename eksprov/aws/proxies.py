"""Proxies: none stands between us and this machine, and one that fails is named.

Whoever sets HTTP_PROXY and no NO_PROXY has all of botocore's calls go to the proxy, those to the local world too, which
no proxy reaches (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html, `proxies`). Other
programs of ours that reach the internet (pip, the Go toolchain) go on using it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
VARIABLES = ("NO_PROXY", "no_proxy")
_SECRET = re.compile(r"(?<=//)[^/@\s]+@")


def is_this_machine(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def is_proxied(environ: Mapping[str, str]) -> bool:
    """Whether any proxy is set."""
    return any(environ.get(name) or environ.get(name.upper()) for name in ("http_proxy", "https_proxy", "all_proxy"))


def bypassing(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that make programs leave out the proxy for this machine, with the exceptions that are there."""
    there = next((environ[name] for name in reversed(VARIABLES) if environ.get(name)), "")
    hosts = [host for host in (part.strip() for part in there.split(",")) if host]
    told = ",".join(dict.fromkeys((*hosts, *LOOPBACK)))
    return dict.fromkeys(VARIABLES, told)


def shown(text: str) -> str:
    """A text about a proxy without the user and password that its URL may hold."""
    return _SECRET.sub("", text)
