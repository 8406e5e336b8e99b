"""Every request that a process's clients send is held to its service's model; a breach ends the test at once.

`hold_requests` adds a handler to those that botocore gives to each new session, as moto does with its own; so it hears
every client that is made after it, of whatever session: the product's, the command line's, the node's, and the plain
ones of tests. A test that is about the refusal of a wrong request sends it inside `wrong_on_purpose`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.handlers

from support.service_model import breaches

EVENT = "before-parameter-build"  # with REGISTER_LAST: after all handlers that fill in or rewrite parameters
PRODUCT = "eksprov"  # what `eksprov.aws.clients` adds to the user agent
# Distinct operations that the product sends in the processes of all tests together: a floor, so that the law goes
# blind to no service unnoticed. A new kind raises it.
FLOOR = 200


class BreachError(BaseException):
    """A request that its service would refuse; no `except Exception` hides it."""


class Held:
    """What was looked at, by service and operation, and the breaches that were found."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()  # those of the product's clients, by "service Operation"
        self.found: list[str] = []
        self._excused: tuple[str, ...] | None = None

    def look(self, params: Any, model: Any, context: Any, **_: Any) -> None:
        """A handler of botocore's. Raises: BreachError."""
        name = f"{model.service_model.service_name} {model.name}"
        if getattr(context.get("client_config"), "user_agent_extra", "") == PRODUCT:
            self.seen[name] += 1
        if model.input_shape is None or self._is_excused(model.name):
            return
        found = [str(breach) for breach in breaches(model.input_shape, params)]
        if found:
            self.found.append(f"{name}: {'; '.join(found)}")
            hint = "where a test wants to be refused: support.requests_held.wrong_on_purpose"
            raise BreachError(f"{self.found[-1]} ({hint})")

    @contextmanager
    def wrong_on_purpose(self, *operations: str) -> Iterator[None]:
        """What is sent inside, of these operations or of all, may break the model."""
        self._excused = operations
        try:
            yield
        finally:
            self._excused = None

    def _is_excused(self, operation: str) -> bool:
        return self._excused is not None and (not self._excused or operation in self._excused)


HELD = Held()
wrong_on_purpose = HELD.wrong_on_purpose


def hold_requests() -> None:
    """From now on, in this process and all that are forked from it."""
    spec = (EVENT, HELD.look, botocore.handlers.REGISTER_LAST)
    if spec not in botocore.handlers.BUILTIN_HANDLERS:
        botocore.handlers.BUILTIN_HANDLERS.append(spec)


def together(some: Iterable[Mapping[str, int]]) -> Counter[str]:
    """What several processes looked at."""
    return sum((Counter(one) for one in some), Counter())


def told(seen: Mapping[str, int]) -> str:
    """One line for the end of a run."""
    return (
        f"{sum(seen.values())} requests of {len(seen)} operations of the product's were held to their service's model"
    )


def blind(seen: Mapping[str, int], floor: int = FLOOR) -> str:
    """Why a whole run of the tests proves less than it should; empty where it does not."""
    if len(seen) >= floor:
        return ""
    return f"{len(seen)} operations, and {floor} are expected: some clients are no longer heard, or tests are gone"
