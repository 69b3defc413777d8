"""What the steps of one scenario share: the cluster, the ways to look at it and to act on it."""

from __future__ import annotations

from functools import partial

from harness.bad_starts import BadStart
from harness.clients import Clients
from harness.cluster import Cluster
from harness.conditions import always, eventually
from harness.fleet import all_at_once
from harness.openai_client import OpenAIClient
from harness.registry_view import RegistryView
from harness.worker_changes import WorkerChanges
from harness.workers import Workers


class World:
    """Made anew for every scenario; steps reach it as `context.world`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.registry = RegistryView(cluster)
        self.workers = Workers(cluster, self.registry)
        self.changes = WorkerChanges(cluster, self.registry, self.workers)
        self.clients = Clients(cluster, self.registry)
        self.bad_start = BadStart(cluster)
        self.openai = OpenAIClient(cluster)

    @property
    def settle_s(self) -> float:
        """How long the views may take to agree: a worker's start-up, which the machine bounds and not a clock."""
        return self.cluster.durations.start_up_ms / 1000

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
        return self.changes.thaw_all()

    def hang_up(self) -> None:
        """End every stream that a step left running, and give occupied ports back."""
        self.clients.hang_up()
        self.bad_start.close()
