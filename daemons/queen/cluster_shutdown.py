"""The shutdown of the whole cluster: hives first, each with its workers, then the queen."""

from __future__ import annotations

import asyncio

from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.common.process import wait_gone
from daemons.queen.entries import HiveEntry
from daemons.queen.peers import HiveCalls
from daemons.queen.registry import Registry

POLL_S = 0.05
"""How often a stopping hive is checked: a shutdown takes seconds, this adds a twentieth of one."""


class ClusterShutdown:
    """Stops all hives: `ask_hives` first, then `wait_for_hives`."""

    def __init__(self, registry: Registry, calls: HiveCalls, durations: Durations) -> None:
        self._registry = registry
        self._calls = calls
        self._durations = durations
        self._stopping: list[HiveEntry] = []

    async def ask_hives(self) -> None:
        """Ask every hive, also unavailable ones, to stop with its workers; each call has the probe timeout."""
        hives = self._registry.hives()
        accepted = await asyncio.gather(*(self._calls.shut_down(hive) for hive in hives))
        self._stopping = [hive for hive, ok in zip(hives, accepted, strict=True) if ok]
        log.info("cluster_shutdown_began", hives=[hive.hive_id for hive in self._stopping])

    async def wait_for_hives(self) -> None:
        """Wait until those hives are gone, for at most as long as a drain and the kill grace of workers take."""
        bound_s = (self._durations.drain_ms + self._durations.kill_grace_ms) / 1000
        waiting = [asyncio.create_task(self._gone(hive), name=f"end of {hive.hive_id}") for hive in self._stopping]
        if not waiting:
            return
        done, left = await asyncio.wait(waiting, timeout=bound_s)
        for task in left:
            task.cancel()
        log.info("cluster_shutdown_ended", hives_gone=len(done), hives_left=len(left))

    async def _gone(self, hive: HiveEntry) -> None:
        """Return when nothing listens at the hive's address and its process, if it is of this machine, has ended."""
        while await self._calls.answers(hive):  # noqa: ASYNC110 there is no event for another process
            await asyncio.sleep(POLL_S)
        await wait_gone(hive.lease.pid, hive.lease.start_ticks)
        log.info("hive_ended", hive_id=hive.hive_id)
