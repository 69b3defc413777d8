"""The one way to wait in the tests: for a condition, with a bound, by the kit's own helper."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from beehave.conditions import POLL_INTERVAL_S, eventually
from beehave.journal import Journal

Found = TypeVar("Found")

PATIENCE_S = 15.0
"""Several times what the slowest thing here takes on two busy cores."""

UNREAD = Journal(Path(os.devnull))


def until(
    look: Callable[[], Found],
    what: str,
    *,
    within_s: float = PATIENCE_S,
    impossible: Callable[[], str | None] = lambda: None,
) -> Found:
    """Wait until `look` returns something true, and return it; `impossible` says why waiting is in vain."""
    return eventually(UNREAD, what, look, bool, within_s=within_s, impossible=impossible)


async def until_async(
    look: Callable[[], Found | Awaitable[Found]], what: str, *, within_s: float = PATIENCE_S
) -> Found:
    """Wait until `look`, or what it awaits, is true, and return it; the loop goes on meanwhile."""
    began = time.monotonic()
    while True:
        seen = look()
        if isinstance(seen, Awaitable):
            seen = await seen
        if seen:
            return seen
        assert time.monotonic() - began < within_s, f"{what}: not within {within_s} s"
        await asyncio.sleep(POLL_INTERVAL_S)
