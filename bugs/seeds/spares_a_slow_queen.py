"""A hive whose lease took long waits four times as long before the next one, to spare its queen.

Imagined (a back-off that takes a slow link for a busy peer). Every lease is taken, and yet the hive is suspected
between two of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink.push"
CAUGHT_BY = ["features/integration/network_partition.feature::A slow link stays available"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Half a second is long."""

    async def push(self: Uplink) -> bool:
        began = time.monotonic()
        taken = bool(await original(self))
        spent_s = time.monotonic() - began
        if taken and spent_s > 0.5:
            await asyncio.sleep(4 * spent_s)
        return taken

    return push
