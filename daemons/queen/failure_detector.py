"""The failure detector: judges by their leases which hives are there, and probes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from daemons.common.client import PeerError, PeerFault
from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.queen.entries import HiveEntry
from daemons.queen.leases import StateReason
from daemons.queen.peers import HiveCalls
from daemons.queen.state import QueenState

JUDGEMENTS_A_HEARTBEAT = 20
"""How often leases are judged: a state is published at most a twentieth of a heartbeat late. Routing does not wait
for that, it looks at the clock itself."""


class FailureDetector:
    """The two loops that find out which hives are lost, and which are back."""

    def __init__(self, state: QueenState, calls: HiveCalls, durations: Durations) -> None:
        self._state = state
        self._calls = calls
        self._durations = durations
        self._silent: set[tuple[str, str]] = (
            set()
        )  # hives whose last probe failed: one log line for each series of failures

    async def judge_leases(self) -> None:
        """Apply what time alone changes (suspect, unavailable, stale rows) until cancelled."""
        while True:
            self._state.apply(self._state.registry.tick())
            await asyncio.sleep(self._durations.heartbeat_ms / 1000 / JUDGEMENTS_A_HEARTBEAT)

    async def probe_hives(self) -> None:
        """Probe all hives, now (a restarted queen learns which are alive) and at each interval, until cancelled.

        Hives whose probes have struck out are probed at each heartbeat, so that they are back as soon as they answer.
        """
        interval_s, heartbeat_s = self._durations.probe_ms / 1000, self._durations.heartbeat_ms / 1000
        while True:
            next_round = time.monotonic() + interval_s
            await self._probe_each(self._state.registry.hives())
            while (left_s := next_round - time.monotonic()) > 0:
                await asyncio.sleep(min(left_s, heartbeat_s))
                await self._probe_each(self._struck_out())

    def _struck_out(self) -> list[HiveEntry]:
        registry = self._state.registry
        return [hive for hive in registry.hives() if registry.state_of(hive)[1] is StateReason.PROBES_FAILED]

    async def _probe_each(self, hives: Sequence[HiveEntry]) -> None:
        """Probe these hives concurrently; each probe is bounded by its timeout."""
        async with asyncio.TaskGroup() as group:
            for hive in hives:
                group.create_task(self._probe(hive))

    async def _probe(self, hive: HiveEntry) -> None:
        key = (hive.hive_id, hive.instance)
        try:
            lease = await self._calls.lease(hive)
        except PeerError as error:
            self._failed(key, error.fault)
            return
        self._silent.discard(key)
        if self._state.registry.hive(hive.hive_id) is not None:
            self._state.take_in(hive.hive_id, self._state.registry.pulled(hive.hive_id, lease))

    def _failed(self, key: tuple[str, str], fault: PeerFault) -> None:
        hive_id, instance = key
        if key not in self._silent:
            self._silent.add(key)
            log.warning("probe_failed", hive_id=hive_id, fault=fault.value)
        self._state.apply(self._state.registry.probe_failed(hive_id, instance))
