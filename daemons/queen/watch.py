"""What the queen does by herself: judges silence, and asks her hives whether they are really there."""

from __future__ import annotations

import asyncio

from daemons.common.client import PeerError, PeerFault
from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.queen.entries import HiveEntry
from daemons.queen.peers import HiveCalls
from daemons.queen.state import QueenState

JUDGEMENTS_A_HEARTBEAT = 20
"""How often silence is judged: a state is told at most a twentieth of a heartbeat late. Routing does not wait for
it, it looks at the clock itself."""


class Watch:
    """The queen's two loops."""

    def __init__(self, state: QueenState, calls: HiveCalls, durations: Durations) -> None:
        self._state = state
        self._calls = calls
        self._durations = durations
        self._silent: set[tuple[str, str]] = set()  # hives whose last probe failed, for one log line a streak

    async def judge(self) -> None:
        """Tell what time brings: suspect, unavailable, stale rows. Runs until cancelled."""
        while True:
            self._state.apply(self._state.registry.tick())
            await asyncio.sleep(self._durations.heartbeat_ms / 1000 / JUDGEMENTS_A_HEARTBEAT)

    async def probe(self) -> None:
        """Ask all hives, at once (a restarted queen learns who lives) and at each interval. Runs until cancelled."""
        while True:
            await self.probe_all()
            await asyncio.sleep(self._durations.probe_ms / 1000)

    async def probe_all(self) -> None:
        """Ask every hive for its picture, all at the same time; each is bounded by the probe's timeout."""
        async with asyncio.TaskGroup() as group:
            for hive in self._state.registry.hives():
                group.create_task(self._probe(hive))

    async def _probe(self, hive: HiveEntry) -> None:
        key = (hive.hive_id, hive.instance)
        try:
            lease = await self._calls.picture(hive)
        except PeerError as error:
            self._failed(key, error.fault)
            return
        self._silent.discard(key)
        if self._state.registry.hive(hive.hive_id) is not None:
            self._state.heard(hive.hive_id, self._state.registry.pulled(hive.hive_id, lease))

    def _failed(self, key: tuple[str, str], fault: PeerFault) -> None:
        hive_id, instance = key
        if key not in self._silent:
            self._silent.add(key)
            log.warning("probe_failed", hive_id=hive_id, fault=fault.value)
        self._state.apply(self._state.registry.probe_failed(hive_id, instance))
