"""Proxies: none stands between us and this machine, and one that fails is named.

Whoever sets HTTP_PROXY and no NO_PROXY has all of botocore's calls go to the proxy, those to the local world too, which
no proxy reaches (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html, `proxies`).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECRET = re.compile(r"(?<=//)[^/@\s]+@")


def is_this_machine(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def shown(text: str) -> str:
    """A text about a proxy without the user and password that its URL may hold."""
    return _SECRET.sub("", text)
