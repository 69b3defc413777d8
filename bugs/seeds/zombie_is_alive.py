"""A hive looks by `kill(pid, 0)` whether a worker is alive: the zombie that waits to be reaped still is.

Real: REAL_BUGS 15 (the predecessor). A worker that was asked to end, or crashed, is there for ever.
"""

from __future__ import annotations

import asyncio
import os

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:wait_gone"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A worker's crash is known within a second, and the other worker serves at once"]


def seeded(original: object) -> object:  # noqa: ARG001
    """A signal that can be sent is a sign of life."""

    async def wait_gone(pid: int, ticks: int | None) -> None:  # noqa: ARG001
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.02)

    return wait_gone
