"""The queen as a daemon: its parts, and what the run loop calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from daemons.common.api import finish
from daemons.common.client import PeerClient
from daemons.common.config import ConfigSource
from daemons.common.daemon import Address, Daemon
from daemons.common.errors import ErrorCode
from daemons.common.logs import log
from daemons.common.relay import Relay
from daemons.common.wire import HiveState, WorkerState
from daemons.queen.cluster import Cluster
from daemons.queen.cluster_shutdown import ClusterShutdown
from daemons.queen.config import QueenConfig
from daemons.queen.dispatch import Dispatcher, FirstByte
from daemons.queen.events import EventHub
from daemons.queen.failure_detector import FailureDetector
from daemons.queen.leases import LeaseRules
from daemons.queen.peers import HiveCalls
from daemons.queen.spawning import Spawning
from daemons.queen.state import QueenState
from daemons.queen.store import RegistryStore

DATABASE = "queen.sqlite3"


@dataclass(frozen=True, slots=True)
class HiveClients:
    """The queen's HTTP client, and what calls hives through it; they need a running event loop."""

    client: PeerClient
    calls: HiveCalls
    spawning: Spawning
    shutdown: ClusterShutdown


class Queen(Daemon):
    """Registry, routing and relay of one cluster."""

    role = "queen"

    def __init__(
        self,
        config: QueenConfig,
        create_app: Callable[[Queen], FastAPI],
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
        self.state.on_lease = self.dispatcher.lines.call_first
        self.relay = Relay(self, self.dispatcher, lost=ErrorCode.HIVE_UNREACHABLE)
        self.inference = FirstByte(self.relay, self.metrics)
        self._hive_clients: HiveClients | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._add_gauges()
        self.app = finish(self, create_app(self))

    @property
    def hive_clients(self) -> HiveClients:
        """The queen's clients of hives, from its start on: the gate lets nothing through before."""
        assert self._hive_clients is not None
        return self._hive_clients

    def not_open(self) -> str | None:
        """Return that the queen is starting, or None; it is open while it waits for its database."""
        return "this queen is starting" if self._hive_clients is None else None

    async def on_start(self, bound: Address) -> None:
        """Read what the database knows, and begin to judge hives' leases and to probe them."""
        client = PeerClient(bound.host, self.durations)
        calls = HiveCalls(client, self.durations)
        shutdown = ClusterShutdown(self.state.registry, calls, self.durations)
        self.relay.session = client.session
        self._hive_clients = HiveClients(client, calls, Spawning(self.state, calls), shutdown)
        self.state.found(await self.store.load())
        detector = FailureDetector(self.state, calls, self.durations)
        self._loops = [
            self.background(self.store.run(), "registry store"),
            self.background(detector.judge_leases(), "lease judgement"),
            self.background(detector.probe_hives(), "hive probes"),
        ]

    def cancel(self, request_id: str) -> None:
        """End a request, which closes its connection to the hive, and also tell that hive.

        Where the link is slow or cut in one direction, whichever of the two arrives first counts.
        """
        hive = self.dispatcher.serving(request_id)
        super().cancel(request_id)

        async def tell_hive() -> None:
            if hive is not None and not await self.hive_clients.calls.cancel(hive, request_id):
                log.warning("cancel_not_told", cancelled_request_id=request_id, hive_id=hive.hive_id)

        if hive is not None:
            self.background(tell_hive(), "cancel")

    async def announce_draining(self) -> None:
        """Ask the hives to stop, when the whole cluster is to; a queen has nobody above it to tell."""
        if self._hive_clients is not None and self._stops_cluster():
            await self._hive_clients.shutdown.ask_hives()

    async def on_stop(self) -> None:
        """Wait for the hives when the whole cluster stops; end the event streams; store what is queued."""
        if self._hive_clients is not None and self._stops_cluster():
            await self._hive_clients.shutdown.wait_for_hives()
        self.events.close()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.store.close()
        if self._hive_clients is not None:
            await self._hive_clients.client.close()

    def health_details(self) -> Mapping[str, Any]:
        """Return the cluster's part of /health."""
        return {
            "hives": self.hives_by_state(),
            "workers": self.workers_by_state(),
            "database": {"up": self.store.failure is None, "writes_waiting": self.store.waiting},
        }

    def degraded(self) -> Sequence[str]:
        """Return why the cluster or the database is not all well."""
        return self.state.degraded()

    def hives_by_state(self) -> dict[str, float]:
        """Return how many hives are in each state now."""
        counts = Counter(self.state.registry.state_of(hive)[0] for hive in self.state.registry.hives())
        return {state.value: counts[state] for state in HiveState}

    def workers_by_state(self) -> dict[str, float]:
        """Return how many workers are in each state, by their hives' last leases."""
        counts = Counter(worker.row.state for worker in self.state.registry.workers())
        return {state.value: counts[state] for state in WorkerState}

    def _stops_cluster(self) -> bool:
        return self.shutdown is not None and self.shutdown.scope == "cluster"

    def _add_gauges(self) -> None:
        gauge = self.metrics.gauge
        gauge("hives", "Hives by state.", self.hives_by_state, label="state")
        gauge("workers", "Workers by state.", self.workers_by_state, label="state")
        gauge("requests_running", "Inference requests that run through this queen.", lambda: len(self.inflight))
        gauge("database_up", "1 while the registry's database takes writes.", lambda: self.store.failure is None)
        gauge("database_writes_waiting", "Changes that are not stored yet.", lambda: self.store.waiting)
        gauge("event_listeners", "Open event streams.", lambda: self.events.listeners)
