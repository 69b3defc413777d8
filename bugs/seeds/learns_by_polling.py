"""A hive looks every two seconds whether its workers are alive, in place of being told by the kernel.

Imagined. Restarts work; clients run into the dead worker meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:wait_gone"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A worker's crash is known within a second, and the other worker serves at once"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Seen up to two seconds late."""

    async def wait_gone(pid: int, ticks: int | None) -> None:
        await original(pid, ticks)
        await asyncio.sleep(2)

    return wait_gone
