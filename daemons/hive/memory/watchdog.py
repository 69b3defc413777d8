"""The memory limit where no control group enforces it: the hive measures a worker's memory periodically."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process; None when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, OSError):
        return None


async def watch(
    pid: int,
    limit_bytes: int,
    every_ms: int,
    over: Callable[[int], None],
    measure: Callable[[int], int | None] = resident_bytes,
) -> None:
    """Measure until cancelled, or until the result exceeds the limit: then call `over` with it and return."""
    while True:
        seen = measure(pid)
        if seen is not None and seen > limit_bytes:
            over(seen)
            return
        await asyncio.sleep(every_ms / 1000)
