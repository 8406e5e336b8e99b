"""What rules are written with: findings, and the checks that several sections share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

from eksprov.config.document import Path, show
from eksprov.errors import Problem

_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_RESERVED: Final = ("kubernetes.io", "k8s.io", "eks.amazonaws.com")


@dataclass(frozen=True)
class Finding:
    """A problem that a rule has found, and the keys of the config that it comes from."""

    problem: Problem
    paths: tuple[Path, ...]  # every key that the rule looked at; the first is the one whose line is shown
    twin: bool = False  # a value is there twice: `paths` are the later one and the first, whose line the hint names


def finding(message: str, *paths: Path, hint: str = "", level: Literal["error", "warning"] = "error") -> Finding:
    return Finding(Problem(message, show(paths[0]), hint=hint, level=level), paths)


def twice(place: Path, key: str | None, names: Iterable[str]) -> Iterator[Finding]:
    """A finding for each name that occurs again in the list at `place`.

    `key` is where each item of the list holds its name, like "name"; None: the items are the names.
    """
    first: dict[str, Path] = {}
    for index, name in enumerate(names):
        path = (*place, index, key) if key else (*place, index)
        if name in first:
            yield Finding(Problem(f"{name!r} is there already", show(path)), (path, first[name]), twin=True)
        first.setdefault(name, path)


def as_network(text: str, path: Path) -> tuple[IPv4Network | None, list[Finding]]:
    """A range as a network; None and the reason when it is none."""
    try:
        return IPv4Network(text), []
    except ValueError:
        pass
    try:
        loose = IPv4Network(text, strict=False)
    except ValueError:
        return None, [finding(f"{text} is not an IPv4 range", path)]
    return None, [finding(f"{text} has host bits set", path, hint=f"did you mean {loose}?")]


def as_ipv6_network(text: str, path: Path) -> list[Finding]:
    """Why it is no IPv6 range as AWS writes it back; empty when it is one."""
    try:
        network = IPv6Network(text, strict=False)
    except ValueError:
        return [finding(f"{text} is not an IPv6 range", path)]
    return [] if str(network) == text else [finding(f"{text} is not as AWS writes it", path, hint=f"write {network}")]


def qualified(key: str, value: str, at_key: Path, at_value: Path) -> Iterator[Finding]:
    """Kubernetes' grammar of label keys and values, which taints share; EKS keeps some prefixes for itself."""
    prefix, slash, name = key.rpartition("/")
    if not _LABEL.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
        hint = "like team or example.com/team: letters, digits, '-', '_', '.', at most 63 after the slash"
        yield finding(f"{key!r} is not a Kubernetes key", at_key, hint=hint)
    elif any(prefix == domain or prefix.endswith(f".{domain}") for domain in _RESERVED):
        yield finding(f"the prefix {prefix}/ is kept for Kubernetes and EKS", at_key, hint="use a prefix of your own")
    if value and not _LABEL.fullmatch(value):
        hint = "letters, digits, '-', '_', '.', at most 63, a letter or digit first and last"
        yield finding(f"{value!r} is not a Kubernetes value", at_value, hint=hint)
