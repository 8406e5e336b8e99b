"""No proxy stands between the local world and this machine; what reaches the internet (pip, Go) goes on using it."""

from __future__ import annotations

from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
VARIABLES = ("NO_PROXY", "no_proxy")


def is_proxied(environ: Mapping[str, str]) -> bool:
    """Whether any proxy is set."""
    return any(environ.get(name) or environ.get(name.upper()) for name in ("http_proxy", "https_proxy", "all_proxy"))


def bypassing(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that make programs leave out the proxy for this machine, with the exceptions that are there."""
    there = next((environ[name] for name in reversed(VARIABLES) if environ.get(name)), "")
    hosts = [host for host in (part.strip() for part in there.split(",")) if host]
    told = ",".join(dict.fromkeys((*hosts, *LOOPBACK)))
    return dict.fromkeys(VARIABLES, told)
