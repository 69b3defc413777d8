"""The queen as a daemon: its parts, and what the run loop calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemons.common.client import PeerClient
from daemons.common.config import ConfigSource
from daemons.common.daemon import Address, Daemon
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.relay import Relay
from daemons.common.wire import HiveState, WorkerState
from daemons.queen.app import create_app
from daemons.queen.cascade import Cascade
from daemons.queen.cluster import Cluster
from daemons.queen.config import QueenConfig
from daemons.queen.dispatch import Dispatcher, FirstByte
from daemons.queen.events import EventHub
from daemons.queen.leases import LeaseRules
from daemons.queen.peers import HiveCalls
from daemons.queen.spawning import Spawning
from daemons.queen.state import QueenState
from daemons.queen.store import RegistryStore
from daemons.queen.watch import Watch

DATABASE = "queen.sqlite3"


@dataclass(frozen=True, slots=True)
class Outside:
    """What the queen has while her loop runs: the client, and what speaks to hives through it."""

    client: PeerClient
    calls: HiveCalls
    spawning: Spawning
    cascade: Cascade


class Queen(Daemon):
    """Registry, routing and relay of one cluster."""

    role = "queen"

    def __init__(
        self,
        config: QueenConfig,
        source: ConfigSource[QueenConfig] | None = None,
        instance: str | None = None,
    ) -> None:
        super().__init__(name="queen", config=config, source=source, instance=instance)
        durations = config.durations
        rules = LeaseRules(
            heartbeat_s=durations.heartbeat_ms / 1000,
            lease_s=durations.lease_ms / 1000,
            probe_strikes=durations.probe_strikes,
            orphan_grace_s=durations.orphan_grace_ms / 1000,
        )
        self.cluster = Cluster(rules, durations.mark_down_ms / 1000, time.monotonic)
        self.events = EventHub(self.identity.instance)
        self.state = QueenState(self.cluster, self.events)
        self.store = RegistryStore(
            config.data_dir / DATABASE,
            interval_s=rules.heartbeat_s,
            snapshot=self.state.snapshot,
            found=self.state.found,
        )
        self.state.store = self.store
        self.dispatcher = Dispatcher(self.cluster, self.metrics, queue_limit=config.queue_limit)
        self.state.on_news = self.dispatcher.lines.call_first
        self.relay = Relay(self, self.dispatcher, lost=ErrorCode.HIVE_UNREACHABLE)
        self.inference = FirstByte(self.relay, self.metrics)
        self._outside: Outside | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._add_gauges()
        self.api, self.app = create_app(self)

    @property
    def outside(self) -> Outside:
        """The queen's ways to her hives; 503 `starting` before she has any."""
        if self._outside is None:
            raise ApiError(ErrorCode.STARTING, "this queen is starting")
        return self._outside

    async def on_start(self, bound: Address) -> None:
        """Read what the database knows, and begin to judge hives' silence and to probe them."""
        client = PeerClient(bound.host, self.durations)
        calls = HiveCalls(client, self.durations)
        cascade = Cascade(self.state.registry, calls, self.durations)
        self._outside = Outside(client, calls, Spawning(self.state, calls), cascade)
        self.relay.session = client.session
        self.state.found(await self.store.load())
        watch = Watch(self.state, calls, self.durations)
        self._loops = [
            self.background(self.store.run(), "registry store"),
            self.background(watch.judge(), "lease judgement"),
            self.background(watch.probe(), "hive probes"),
        ]

    async def announce_draining(self) -> None:
        """A queen has nobody above her; in a cascade this is the moment when the hives are told."""
        if self._outside is not None and self._is_cascade():
            await self._outside.cascade.tell()

    async def on_stop(self) -> None:
        """Wait for the hives of a cascade; end the event streams; store what waits."""
        if self._outside is not None and self._is_cascade():
            await self._outside.cascade.wait()
        self.events.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.store.close()
        if self._outside is not None:
            await self._outside.client.close()

    def health_details(self) -> Mapping[str, Any]:
        """What /health says of the cluster."""
        return {
            "hives": self.hives_by_state(),
            "workers": self.workers_by_state(),
            "database": {"up": self.store.failure is None, "writes_waiting": self.store.waiting},
        }

    def degraded(self) -> Sequence[str]:
        """What is not well below the queen or behind her."""
        return self.state.degraded()

    def hives_by_state(self) -> dict[str, float]:
        """How many hives are in each state, as of now."""
        counts = Counter(self.state.registry.state_of(hive)[0] for hive in self.state.registry.hives())
        return {state.value: counts[state] for state in HiveState}

    def workers_by_state(self) -> dict[str, float]:
        """How many workers are in each state, by their hives' last words."""
        counts = Counter(worker.row.state for worker in self.state.registry.workers())
        return {state.value: counts[state] for state in WorkerState}

    def _is_cascade(self) -> bool:
        return self.shutdown is not None and self.shutdown.scope == "cluster"

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("hives", "Hives by state.", self.hives_by_state, label="state")
        gauge("workers", "Workers by state.", self.workers_by_state, label="state")
        gauge("requests_running", "Inference requests that run through this queen.", lambda: len(self.inflight))
        gauge("database_up", "1 while the registry's database takes writes.", lambda: self.store.failure is None)
        gauge("database_writes_waiting", "Changes that are not stored yet.", lambda: self.store.waiting)
        gauge("event_listeners", "Open event streams.", lambda: self.events.listeners)
