"""Where requests wait for a slot: one line for each model, first come first served, bounded over all of them."""

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
    """All lines. Only the first of each is called, so nobody is overtaken by one who came later."""

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
        """Return whether somebody waits for this model already; a newcomer goes behind them."""
        return model in self._lines

    def call_first(self) -> None:
        """A slot may be free: let the first of each line look."""
        for line in self._lines.values():
            line[0].call()

    @contextmanager
    def join(self, model: str) -> Iterator[Ticket]:
        """Stand in line within the block; whoever is first after it is called, for there may be more than one slot."""
        ticket = Ticket()
        self._lines.setdefault(model, deque()).append(ticket)
        if self._lines[model][0] is ticket:
            ticket.call()  # a slot may have come free in this very moment
        try:
            yield ticket
        finally:
            line = self._lines[model]
            line.remove(ticket)
            if line:
                line[0].call()
            else:
                del self._lines[model]
