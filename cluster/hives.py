"""Starting hives, and workers on them."""

from __future__ import annotations

from functools import partial

from beehave.at_once import all_at_once
from beehave.conditions import always, eventually
from cluster.cluster import Cluster
from cluster.registry_view import RegistryView
from cluster.workers import Workers


class Hives:
    """The hives of one scenario."""

    def __init__(self, cluster: Cluster, registry: RegistryView, workers: Workers) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers

    def start(self, count: int, *, workers_each: int = 0) -> None:
        """Start `count` more hives at once, and on each `workers_each` workers, and wait until all are routed to."""
        first = len(self._cluster.hives) + 1
        numbers = range(first, first + count)
        names = {self._cluster.spawn_hive(number).name for number in numbers}
        self._cluster.wait_until_up()
        eventually(
            self._cluster.journal,
            f"the queen knows {', '.join(sorted(names))}",
            self._registry.hives_at_queen,
            lambda rows: names <= {row["id"] for row in rows if row["state"] == "available"},
            within_s=self._cluster.settle_s,
        )
        wanted = [name for name in sorted(names) for _ in range(workers_each)]
        if wanted:
            answers = all_at_once(
                self._cluster.journal,
                f"spawn {workers_each} workers on each hive",
                [partial(self._workers.spawn, hive=name) for name in wanted],
            )
            self._workers.wait_until_routable(self._workers.ids_of(answers))

    def let_heartbeats_pass(self, count: int) -> None:
        """Wait until the first hive has had time for `count` heartbeats, and check that it lives all along."""
        hive = self._cluster.first_hive
        always(
            self._cluster.journal,
            f"{hive.name} lives for {count} heartbeats",
            hive.process.alive,
            bool,
            for_s=count * self._cluster.durations.heartbeat_ms / 1000,
        )
