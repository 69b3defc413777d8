"""The end of the whole cluster: hives first, each with its workers, then the queen."""

from __future__ import annotations

import asyncio

from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.common.process import wait_gone
from daemons.queen.entries import HiveEntry
from daemons.queen.peers import HiveCalls
from daemons.queen.registry import Registry

POLL_S = 0.05
"""How often a stopping hive is looked at: a cascade takes seconds, this adds a twentieth of one."""


class Cascade:
    """Stops all hives. `tell` first, then `wait`."""

    def __init__(self, registry: Registry, calls: HiveCalls, durations: Durations) -> None:
        self._registry = registry
        self._calls = calls
        self._durations = durations
        self._told: list[HiveEntry] = []

    async def tell(self) -> None:
        """Ask every hive to stop with its workers, the silent ones too; each call is bounded by the probe timeout."""
        hives = self._registry.hives()
        heard = await asyncio.gather(*(self._calls.shut_down(hive) for hive in hives))
        self._told = [hive for hive, told in zip(hives, heard, strict=True) if told]
        log.info("cascade_began", hives=[hive.hive_id for hive in self._told])

    async def wait(self) -> None:
        """Wait until those hives are gone, as long as a hive may take: its drain and the grace of its workers."""
        bound_s = (self._durations.drain_ms + self._durations.kill_grace_ms) / 1000
        waiting = [asyncio.create_task(self._gone(hive), name=f"end of {hive.hive_id}") for hive in self._told]
        if not waiting:
            return
        done, left = await asyncio.wait(waiting, timeout=bound_s)
        for task in left:
            task.cancel()
        log.info("cascade_ended", hives_gone=len(done), hives_left=len(left))

    async def _gone(self, hive: HiveEntry) -> None:
        """Return when nothing listens at the hive's address and, where it is a process of this machine, that ended."""
        while await self._calls.answers(hive):  # noqa: ASYNC110 another process sets no event of ours
            await asyncio.sleep(POLL_S)
        await wait_gone(hive.lease.pid, hive.lease.start_ticks)
        log.info("hive_ended", hive_id=hive.hive_id)
