"""The limit where no control group holds it: the hive looks at a worker's memory from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil


def resident_bytes(pid: int) -> int | None:
    """The memory that a process has of the machine now; None when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, OSError):
        return None


async def watch(
    pid: int, limit_bytes: int, every_ms: int, over: Callable[[int], None], measure: Callable[[int], int | None]
) -> None:
    """Call `over` with what was measured as soon as it is above the limit, and return; until then, until cancelled."""
    while True:
        seen = measure(pid)
        if seen is not None and seen > limit_bytes:
            over(seen)
            return
        await asyncio.sleep(every_ms / 1000)
