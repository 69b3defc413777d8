"""A condition to wait on, within one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes everyone who waits for a condition, whenever something changed.

    The facts are plain fields, changed and read within one event loop, so every condition is a plain expression and a
    change that comes before the wait is never lost.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Make every waiter evaluate its condition again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def until(self, condition: Callable[[], bool], *, within_ms: float | None = None) -> bool:
        """Wait until `condition()` holds, at most `within_ms` milliseconds. Return whether it held."""
        loop = asyncio.get_running_loop()
        deadline = None if within_ms is None else loop.time() + within_ms / 1000
        while not condition():
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            left_s = None if deadline is None else deadline - loop.time()
            try:
                if left_s is not None and left_s <= 0:
                    return False
                await asyncio.wait([future], timeout=left_s)
            finally:
                self._waiting.discard(future)
        return True
