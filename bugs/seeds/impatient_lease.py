"""A hive gives each lease a fifth of a heartbeat: a queen behind a slow link never hears it.

Imagined (a bound chosen on loopback). On a quick link it makes no difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink.push"
CAUGHT_BY = ["features/integration/network_partition.feature::A slow link stays available"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A fifth, for connecting and all."""

    async def push(self: Uplink) -> bool:
        try:
            async with asyncio.timeout(self._durations.heartbeat_ms / 5000):
                return bool(await original(self))
        except TimeoutError:
            self._missed("timed_out", gone=False)
            return False

    return push
