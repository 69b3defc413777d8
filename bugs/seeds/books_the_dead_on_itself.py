"""A hive takes what a dead worker held of a device upon itself, and never gives it back.

Imagined, next to what the worker gives back itself: only one that is killed leaves something.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from daemons.common.ledger import Ledger
from daemons.common.process import start_ticks
from daemons.hive.memory.devices import Devices

ROLE = "hive"
PATCHES = "daemons.hive.memory.devices:Devices.release"
CAUGHT_BY = ["features/integration/out_of_memory.feature::A killed worker gives its memory back"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Nobody else is to have it."""

    def take_over(ledger: Ledger, instance: str) -> None:
        pid = os.getpid()
        for holder in ledger._read():
            if holder.instance == instance:
                ledger.put(replace(holder, pid=pid, start_ticks=start_ticks(pid) or 0))

    async def release(self: Devices, name: str, instance: str) -> None:
        await asyncio.to_thread(take_over, self.ledger(name), instance)

    return release
