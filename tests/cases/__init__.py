"""One file for each kind of `eksprov.steps`: what the laws want to know of it. Here they gather it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from support.kind_case import Change, Iam, KindCase

from eksprov.steps import KINDS


def gathered() -> dict[str, KindCase]:
    """The cases by their kinds' names, in the order of creation. Raises: LookupError for a kind without its case."""
    found = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    cases: dict[str, KindCase] = {each.CASE.name: each.CASE for each in found}
    strange = {kind.kind for kind in KINDS} ^ cases.keys()
    if strange or len(cases) < len(found):
        raise LookupError(f"tests/cases has one file for each kind of eksprov.steps; look at {sorted(strange)}")
    return {kind.kind: cases[kind.kind] for kind in KINDS}


CASES = gathered()
READS = {case.name: case.read for case in CASES.values() if not isinstance(case.read, str)}


def drifts() -> Iterator[tuple[KindCase, str, Change | str]]:
    """What others change of each kind, field by field."""
    for case in CASES.values():
        for field, change in [] if isinstance(case.drifts, str) else case.drifts.items():
            yield case, field, change


def asked() -> Iterator[Iam]:
    """What each kind asks of IAM."""
    return (case.asks for case in CASES.values() if not isinstance(case.asks, str))
