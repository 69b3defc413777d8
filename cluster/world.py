"""What the steps of one scenario share: the cluster, the ways to look at it and to act on it.

Every part is made when a step first asks for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from pydantic import BaseModel

from beehave import Daemons, FaultStack, ScenarioInfo
from beehave.net.links import Network, network_of
from cluster.churn.worker_changes import WorkerChanges
from cluster.clients import Clients
from cluster.cluster import Cluster
from cluster.concurrency.burst import Burst
from cluster.concurrency.fake_hive import FakeHive
from cluster.database.databases import Databases
from cluster.database.queen_database import QueenDatabase
from cluster.durations import Durations
from cluster.full_stack.openai_client import OpenAIClient
from cluster.full_stack.openapi_files import OpenAPIFiles
from cluster.full_stack.requests import Requests
from cluster.history import History
from cluster.hives import Hives
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
CLOSED_AT_END = ("bench", "clients", "bad_start", "partitions", "memory")
"""The parts that may leave something running, in the order in which they are closed."""


class World:
    """Made anew for every scenario; steps reach it as `context.world`."""

    durations_model: ClassVar[type[BaseModel] | None] = Durations

    def __init__(self, daemons: Daemons, scenario: ScenarioInfo, seed: int) -> None:
        """seed: what the random choices of the scenario follow from."""
        self.seed = seed
        self.cluster = cluster = Cluster(daemons)
        self.faults = FaultStack(cluster.journal)
        if CLUSTER_TAG in scenario.tags:
            # Asked here and not when the run opens: the kernel's answer costs a run without a cluster 0.2 s.
            network = network_of(daemons.userdata, private_network=daemons.private_network)
            if network is Network.PROXY or SHAPING_TAG in scenario.tags:
                cluster.spawn_proxy()
            cluster.spawn_hub()
            cluster.spawn_queen()

    @cached_property
    def registry(self) -> RegistryView:
        """Who the workers are, as the queen, the hives and the process table have it."""
        return RegistryView(self.cluster)

    @cached_property
    def history(self) -> History:
        """What the steps of this scenario have done so far."""
        return History(self.cluster, self.registry)

    @cached_property
    def workers(self) -> Workers:
        """Single actions on workers, which the history does not have."""
        return Workers(self.cluster, self.registry)

    @cached_property
    def hives(self) -> Hives:
        """Starting hives."""
        return Hives(self.cluster, self.registry, self.workers)

    @cached_property
    def clients(self) -> Clients:
        """Completions and streams, and the daemons' own counts of them."""
        return Clients(self.cluster, self.registry, self.history)

    @cached_property
    def changes(self) -> WorkerChanges:
        """Workers that are spawned, stopped, killed, frozen."""
        return WorkerChanges(self.cluster, self.registry, self.workers, self.faults, self.history)

    @cached_property
    def recovery(self) -> Recovery:
        """Daemons that end and are started again."""
        return Recovery(
            self.cluster, self.registry, self.workers, self.clients, faults=self.faults, history=self.history
        )

    @cached_property
    def partitions(self) -> Partitions:
        """Links that break and heal."""
        return Partitions(self.cluster, self.registry, self.faults, self.history)

    @cached_property
    def databases(self) -> Databases:
        """A hive's catalog and its file."""
        return Databases(self.cluster, self.faults, self.workers, self.history)

    @cached_property
    def queen_database(self) -> QueenDatabase:
        """The queen's database and its file."""
        return QueenDatabase(self.cluster, self.faults, self.registry)

    @cached_property
    def memory(self) -> MemoryTrials:
        """Memory that runs out."""
        return MemoryTrials(
            self.cluster, self.registry, self.workers, self.hives, faults=self.faults, history=self.history
        )

    @cached_property
    def burst(self) -> Burst:
        """Streams that are begun together."""
        return Burst(self.cluster, self.registry, self.clients, self.history)

    @cached_property
    def fake_hive(self) -> FakeHive:
        """A client that leases as a hive."""
        return FakeHive(self.cluster, self.history)

    @cached_property
    def bench(self) -> Bench:
        """Measurements under load."""
        return Bench(self.cluster, self.registry, self.clients, self.faults, self.history)

    @cached_property
    def requests(self) -> Requests:
        """Requests with a bound, or with a mistake."""
        return Requests(self.cluster, self.registry, self.clients, self.history)

    @cached_property
    def openai(self) -> OpenAIClient:
        """The official OpenAI client."""
        return OpenAIClient(self.cluster, self.clients, self.history)

    @cached_property
    def openapi_files(self) -> OpenAPIFiles:
        """The files in docs/openapi/."""
        return OpenAPIFiles(self.cluster, self.registry, self.history)

    @cached_property
    def bad_start(self) -> BadStart:
        """Daemons that are started with a mistake."""
        return BadStart(self.cluster)

    @cached_property
    def reload(self) -> Reload:
        """A hive that reads its configuration again."""
        return Reload(self.cluster, self.history)

    def heal(self) -> list[str]:
        """Undo every fault that is still in force, the last one first; returns what could not be undone."""
        return self.faults.heal_all()

    def hang_up(self) -> None:
        """Close those parts that the scenario used."""
        for name in CLOSED_AT_END:
            if name in vars(self):
                vars(self)[name].close()
