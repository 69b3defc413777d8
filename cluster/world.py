"""What the steps of one scenario share: the cluster, the ways to look at it and to act on it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from pydantic import BaseModel

from beehave import Daemons, ScenarioInfo
from beehave.at_once import all_at_once
from beehave.conditions import always, eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.net.links import Network, network_of
from cluster.churn.worker_changes import WorkerChanges
from cluster.clients import Clients
from cluster.cluster import TOKEN_INTERVAL_MS, Cluster
from cluster.concurrency.burst import Crowd
from cluster.concurrency.fake_hive import LeasePeer
from cluster.database.databases import Databases
from cluster.database.queen_database import QueenDatabase
from cluster.durations import Durations
from cluster.full_stack.openai_client import OpenAIClient
from cluster.full_stack.requests import Requests
from cluster.inference import Inference
from cluster.memory.trials import MemoryTrials
from cluster.partition.partitions import Partitions
from cluster.performance.bench import Bench
from cluster.processes.bad_starts import BadStart
from cluster.processes.reload import Reload
from cluster.recovery.recovery import Recovery
from cluster.registry_view import RegistryView
from cluster.workers import Workers

CLUSTER_TAG = "cluster"
"""Scenarios with this tag begin with a queen and a model hub."""
SHAPING_TAG = "link.shaping"
"""Scenarios with this tag slow links down, which only the proxy can: their daemons dial through it in either mode."""


class World:
    """Made anew for every scenario; steps reach it as `context.world`."""

    durations_model: ClassVar[type[BaseModel] | None] = Durations

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """seed: what the random choices of the scenario follow from."""
        self.seed = seed
        self.cluster = cluster = Cluster(daemons)
        if CLUSTER_TAG in scenario.tags:
            # Asked here and not when the run opens: the kernel's answer costs a run without a cluster 0.2 s.
            network = network_of(daemons.userdata, private_network=daemons.private_network)
            if network is Network.PROXY or SHAPING_TAG in scenario.tags:
                cluster.spawn_proxy()
            cluster.spawn_hub()
            cluster.spawn_queen()
        self.faults = FaultStack(cluster.journal)
        self.registry = RegistryView(cluster)
        self.workers = Workers(cluster, self.registry)
        self.changes = WorkerChanges(cluster, self.registry, self.workers, self.faults)
        self.clients = Clients(cluster, self.registry)
        self.recovery = Recovery(cluster, self.registry, self.workers)
        self.crowd = Crowd(cluster, self.registry)
        self.bad_start = BadStart(cluster)
        self.openai = OpenAIClient(cluster)
        self.requests = Requests(cluster, self.registry, self.clients)
        self.reload = Reload(cluster)
        self.partitions = Partitions(cluster, self.registry, self.faults)
        self.databases = Databases(cluster, self.faults, self.workers, self.clients)
        self.queen_database = QueenDatabase(cluster, self.faults, self.workers, self.registry)
        self._peer: LeasePeer | None = None
        self.memory = MemoryTrials(cluster, self.registry, self.workers, self.changes, self.faults)
        self.bench = Bench(cluster, self.registry, self.clients, self.faults)

    @property
    def settle_s(self) -> float:
        """How long the views may take to agree: a worker's start-up, which the machine bounds and not a clock."""
        return self.cluster.durations.start_up_ms / 1000

    @property
    def peer(self) -> LeasePeer:
        """The peer that a step began.

        Raises:
            HarnessError: none did.
        """
        if self._peer is None:
            raise HarnessError("no step began a peer that leases as a hive")
        return self._peer

    def begin_lease_peer(self) -> None:
        """Make a client that leases as a hive, once the queen is up."""
        self._peer = LeasePeer(self.cluster)

    def restart_queen_with(self, *, queue_limit: int | None = None, lease_ms: int | None = None) -> None:
        """Start the queen anew with another bound of its queue, or with leases of another length and their ratios."""
        self.cluster.wait_until_up("queen")
        self.cluster.end("queen", signal.SIGTERM, why="it is to start with another configuration")
        if queue_limit is not None:
            self.cluster.queen_options["queue_limit"] = queue_limit
        if lease_ms is not None:
            self.cluster.duration_overrides |= {
                "lease_ms": lease_ms,
                "heartbeat_ms": lease_ms // 3,
                "orphan_grace_ms": 2 * lease_ms,
            }
        self.cluster.spawn_queen()
        self.cluster.wait_until_up("queen")

    def worker_token_counts(self, *, looks: int) -> list[float]:
        """Return the tokens that the first worker has made, looked at several times, ten tokens' time apart."""
        client = self.registry.client_of(self.registry.queen_rows()[0])
        counts = []
        for _ in range(looks):
            counts.append(Inference.counter_at(client, "worker_tokens_total"))
            threading.Event().wait(10 * TOKEN_INTERVAL_MS / 1000)
        return counts

    def probe_bound_s(self, probes: int) -> float:
        """How long `probes` probes may take: each its interval and its time-out, and a heartbeat to tell the queen."""
        durations = self.cluster.durations
        return (probes * (durations.probe_ms + durations.probe_timeout_ms) + 2 * durations.heartbeat_ms) / 1000

    def probe_least_s(self, probes: int) -> float:
        """How long `probes` probes of a hung worker take at least: each but the last its time-out and its interval."""
        durations = self.cluster.durations
        return (probes - 1) * (durations.probe_ms + durations.probe_timeout_ms) / 1000

    def start_hives(self, count: int, *, workers_each: int = 0) -> None:
        """Start `count` more hives at once, and on each `workers_each` workers, and wait until all are routed to."""
        first = len(self.cluster.hives) + 1
        numbers = range(first, first + count)
        names = {self.cluster.spawn_hive(number).name for number in numbers}
        self.cluster.wait_until_up()
        eventually(
            self.cluster.journal,
            f"the queen knows {', '.join(sorted(names))}",
            self.registry.hives_at_queen,
            lambda rows: names <= {row["id"] for row in rows if row["state"] == "available"},
            within_s=self.settle_s,
        )
        wanted = [name for name in sorted(names) for _ in range(workers_each)]
        if wanted:
            answers = all_at_once(
                self.cluster.journal,
                f"spawn {workers_each} workers on each hive",
                [partial(self.workers.spawn, hive=name) for name in wanted],
            )
            self.workers.wait_until_routable(self.workers.ids_of(answers))

    def start_hives_with_memory(self, count: int, *, devices: Sequence[int] = ()) -> None:
        """Start hives with declared devices of these sizes in bytes, which always restart their workers: the policy
        under which a worker that cannot fit would be started for ever."""
        self.cluster.worker_options["restart"] = "always"
        self.memory.devices.declare(*devices)
        self.start_hives(count)

    def let_heartbeats_pass(self, count: int) -> None:
        """Wait until a hive has had time for `count` heartbeats, watching that it lives."""
        hive = self.cluster.hives[0]
        always(
            self.cluster.journal,
            f"{hive.name} lives for {count} heartbeats",
            hive.process.alive,
            bool,
            for_s=count * self.cluster.durations.heartbeat_ms / 1000,
        )

    def heal(self) -> list[str]:
        """Undo every fault that is still in force, the last one first; returns what could not be undone."""
        return self.faults.heal_all()

    def hang_up(self) -> None:
        """End every stream that a step left running, and give occupied ports back."""
        self.bench.close()
        self.clients.hang_up()
        self.bad_start.close()
        self.partitions.close()
        self.memory.close()
