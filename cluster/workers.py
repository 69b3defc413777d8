"""Doing things to workers: through the API as an operator would, and by signal as an accident would."""

from __future__ import annotations

import signal
from functools import partial

from beehave.at_once import all_at_once
from beehave.faults.signal_sent import SignalSent
from beehave.http import Answer
from beehave.identity import Identity
from cluster.cluster import DEFAULT_MODEL, Cluster
from cluster.registry_view import RegistryView, Row


class Workers:
    """The worker-related actions of the steps."""

    def __init__(self, cluster: Cluster, registry: RegistryView) -> None:
        self._cluster = cluster
        self._registry = registry

    def spawn(self, *, model: str = DEFAULT_MODEL, hive: str | None = None, worker_id: str | None = None) -> Answer:
        """Ask the queen for one worker; hive and id are the queen's to choose unless they are given."""
        chosen = {"hive_id": hive, "id": worker_id}
        body = {"model": model} | {key: value for key, value in chosen.items() if value is not None}
        return self._cluster.queen.client.post("/v1/workers", body)

    def spawn_at_once(
        self, count: int, *, model: str = DEFAULT_MODEL, hive: str | None = None, worker_id: str | None = None
    ) -> list[Answer]:
        """Ask the queen for `count` workers in one instant; each answer is as it came."""
        spawns = [partial(self.spawn, model=model, hive=hive, worker_id=worker_id)] * count
        return all_at_once(self._cluster.journal, f"spawn {count} workers", spawns)

    def start(self, count: int, *, hive: str) -> list[str]:
        """Start `count` workers on a hive and return their ids once the queen routes to them all."""
        ids = self.ids_of(self.spawn_at_once(count, hive=hive))
        self.wait_until_routable(ids)
        return ids

    def wait_until_routable(self, ids: list[str]) -> list[Row]:
        """Wait, as long as a worker may take to start, until the queen routes to all these workers."""
        within_s = self._cluster.durations.start_up_ms / 1000
        return self._registry.wait_for_state(set(ids), "routable", within_s=within_s)

    @staticmethod
    def ids_of(answers: list[Answer]) -> list[str]:
        """Return the ids of accepted spawns.

        Raises:
            AssertionError: one of them was not accepted.
        """
        return [answer.expect(202).json["id"] for answer in answers]

    def stop_at_once(self, ids: list[str], *, force: bool = False) -> list[Answer]:
        """Ask the queen to stop these workers in one instant."""
        suffix = "?force=true" if force else ""
        return all_at_once(
            self._cluster.journal,
            f"stop {len(ids)} workers",
            [partial(self._cluster.queen.client.delete, f"/v1/workers/{worker_id}{suffix}") for worker_id in ids],
        )

    def restart(self, worker_id: str) -> Answer:
        """Ask the queen to restart one worker."""
        return self._cluster.queen.client.post(f"/v1/workers/{worker_id}/restart", {})

    def signal(self, process: Identity, number: signal.Signals, *, why: str) -> None:
        """Send a signal to a worker's process, journalled with its reason.

        Raises:
            FaultError: the process is gone already, or outlives SIGKILL.
        """
        fault = SignalSent(self._cluster.journal, "worker", process.describe(), process, number, why=why)
        fault.inject()
        fault.verify()
