"""The lines in which requests wait for a slot: one for each model, first come first served, with one bound for all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Ticket:
    """One request's place in its line."""

    def __init__(self) -> None:
        self._call = asyncio.Event()

    def call(self) -> None:
        """Tell the request to look for a slot."""
        self._call.set()

    async def called(self) -> None:
        """Wait for the next call."""
        await self._call.wait()
        self._call.clear()


class WaitingLines:
    """All lines. Only the first request of each is called, so none is overtaken by a later one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: dict[str, deque[Ticket]] = {}

    def __len__(self) -> int:
        """Return how many requests wait, over all models."""
        return sum(map(len, self._lines.values()))

    @property
    def full(self) -> bool:
        """Whether one more may not wait."""
        return len(self) >= self._limit

    def occupied(self, model: str) -> bool:
        """Return whether a request waits for this model already; a new one goes behind it."""
        return model in self._lines

    def call_first(self) -> None:
        """Make the first request of each line look for a slot: one may be free."""
        for line in self._lines.values():
            line[0].call()

    @contextmanager
    def join(self, model: str) -> Iterator[Ticket]:
        """Wait in line within the block; the next request is called after it, since more than one slot may be free."""
        ticket = Ticket()
        self._lines.setdefault(model, deque()).append(ticket)
        if self._lines[model][0] is ticket:
            ticket.call()  # a slot may have become free since the caller looked
        try:
            yield ticket
        finally:
            line = self._lines[model]
            line.remove(ticket)
            if line:
                line[0].call()
            else:
                del self._lines[model]
