"""Nothing may end silently: a task's failure is logged with its traceback, and the task begins again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PAUSE_S = 1.0


async def supervised(name: str, body: Callable[[], Awaitable[None]], sleep: Callable[[float], Awaitable[None]]) -> None:
    """Run `body` for ever: it is begun again a second after it failed; it is over when it returns."""
    while True:
        try:
            return await body()
        except Exception:  # of any sort: a controller that stays down would leave pods and nodes as they are
            log.exception("%s failed and is begun again", name)
        await sleep(PAUSE_S)
