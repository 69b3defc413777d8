"""Workers that need more memory than there is: what one scenario does to memory, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.memory import LimitLowered
from cluster.cluster import Cluster
from cluster.history import History
from cluster.hives import Hives
from cluster.memory.device_taken import DeviceTaken
from cluster.memory.devices_view import DevicesView
from cluster.memory.view import MemoryView
from cluster.records import Kind
from cluster.registry_view import RegistryView
from cluster.stream import LiveStream
from cluster.workers import Workers


@dataclass(frozen=True)
class LoweredLimit:
    """The limit that a step has left a worker, in bytes."""

    limit_bytes: int


@dataclass(frozen=True)
class HiveMemory:
    """The memory of the hive after each of the workers that ran out of memory, in bytes."""

    rss_bytes: list[int]


class MemoryTrials:
    """Acts on memory, and looks at what came of it."""

    def __init__(
        self,
        cluster: Cluster,
        registry: RegistryView,
        workers: Workers,
        hives: Hives,
        *,
        faults: FaultStack,
        history: History,
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self._hives = hives
        self._faults = faults
        self._history = history
        self._journal = cluster.journal
        self.devices = DevicesView(cluster)
        self.view = MemoryView(cluster, registry, self.devices)

    def start_hives(self, count: int, *, devices: Sequence[int] = ()) -> None:
        """Start hives with declared devices of these sizes in bytes, which always restart their workers.

        Under this policy a worker that cannot fit would be started forever.
        """
        self._cluster.worker_options["restart"] = "always"
        self.devices.declare(*devices)
        self._hives.start(count)

    def limit_workers(self, limit_bytes: int, keeper: str) -> None:
        """Let the hives that start from now on hold each worker to a limit, by `cgroup` or by `watchdog`."""
        self._cluster.worker_options["memory_limit_bytes"] = limit_bytes
        self._cluster.hive_options["memory"] = {"enforce": keeper}
        if keeper == "cgroup":
            self._cluster.hive_options["memory"]["cgroup"] = str(self._cluster.memory_group.path())

    def pull(self, model: str) -> None:
        """Have each hive pull a model, and wait until the queen knows that it is there."""
        for hive in self._cluster.hives:
            hive.client.post("/v1/models", {"model": model}).expect(200, 202)
        eventually(
            self._journal,
            f"the queen knows that every hive has {model}",
            lambda: [hive["models"] for hive in self._registry.hives_at_queen()],
            lambda models: all(model in those_of_hive for those_of_hive in models),
            within_s=self._cluster.durations.start_up_ms / 1000,
        )

    def take_device(self, size_bytes: int) -> None:
        """Let another program take a part of the device."""
        self._faults.add(DeviceTaken(self.devices.ledger(), size_bytes))

    def lower_limit_of(self, model: str, room_bytes: int) -> None:
        """Lower the limit of the control group of a model's worker to little more than it has."""
        row = self._registry.only_row(model=model)
        groups = [each for each in self._cluster.memory_group.groups() if each.path.name.endswith(row["instance"])]
        if len(groups) != 1:
            raise HarnessError(f"the worker for {model} should have one control group, it has {groups}")
        fault = LimitLowered(groups[0], room_bytes)
        self._faults.add(fault)
        self._history.keep(LoweredLimit(fault.lowered_to or 0))

    def run_out_repeatedly(self, model: str, times: int) -> None:
        """Let a worker for a model run out of memory so often, each row removed; note the hive's memory after each."""
        hive = self._cluster.first_hive
        rss_bytes = []
        for _ in range(times):
            self._workers.ids_of([self._workers.spawn(model=model)])
            row = self.view.wait_until_failed(model)
            self._cluster.queen.client.delete(f"/v1/workers/{row['id']}").expect(202)
            eventually(
                self._journal,
                f"{row['id']} is gone",
                lambda: self.view.rows_of(model),
                lambda rows: not rows,
                within_s=self._cluster.durations.lease_ms / 1000,
            )
            rss_bytes.append(psutil.Process(hive.process.pid).memory_info().rss)
        self._history.keep(HiveMemory(rss_bytes))

    @property
    def lowered_limit(self) -> int:
        """The limit that a step has left a worker, in bytes.

        Raises:
            HarnessError: no step has lowered one.
        """
        return self._history.kept(LoweredLimit, "lowered the limit of a worker").limit_bytes

    def ended_stream(self, model: str) -> LiveStream:
        """Return the stream of a model once it has ended.

        Raises:
            AssertionError: it goes on.
        """
        stream = self._history.stream_of(model)
        stream.wait_for_end(within_s=self._cluster.durations.deadline_ms / 1000)
        return stream

    def hive_growth(self) -> int:
        """Return how much the hive's memory has grown since the first of the workers that ran out, in bytes."""
        rss_bytes = self._history.kept(HiveMemory, "let workers run out of memory one after the other").rss_bytes
        return max(rss_bytes) - rss_bytes[0]

    def wait_until_only_held_by(self, model: str | None) -> dict[str, int]:
        """Wait until ledgers, hives and queen agree on what is held, and only by workers of this model (None: by none).

        Returns what is held of the device, by worker id.
        """
        device = self.devices.ledger().path.stem
        rows = self.view.rows_of(model) if model is not None else []
        return self.devices.wait_until_held_by({row["id"] for row in rows}, within_s=self._known_s)[device]

    def devices_of_started(self) -> list[str]:
        """Return the devices of the workers that were spawned last, in that order, once all views agree on them."""
        ids = self._workers.ids_of(self._history.answers(Kind.SPAWN))
        held = self.devices.wait_until_held_by(set(ids), within_s=self._known_s)
        rows = {row["id"]: row["device"] for row in self._registry.queen_rows()}
        by_ledger = {worker_id: name for name, use in held.items() for worker_id in use}
        spawned = {worker_id: device for worker_id, device in rows.items() if worker_id in ids}
        assert spawned == by_ledger, f"the rows say {spawned}, the ledgers {by_ledger}"
        return [by_ledger[worker_id] for worker_id in ids]

    def outcomes_of_spawns(self, model: str) -> list[str]:
        """Return what became of each spawn: `serves`, or the code or reason for which it does not."""
        answers = self._history.answers(Kind.SPAWN)
        accepted = [answer.json["id"] for answer in answers if answer.status == 202]
        rows = eventually(
            self._journal,
            f"the workers for {model} are ready or have failed",
            lambda: [row for row in self._registry.queen_rows() if row["id"] in accepted],
            lambda rows: len(rows) == len(accepted) and all(row["state"] in {"ready", "failed"} for row in rows),
            within_s=self._cluster.settle_s,
        )
        refused = [str(answer.error_code) for answer in answers if answer.status != 202]
        return refused + ["serves" if row["state"] == "ready" else str(row["reason"]) for row in rows]

    @property
    def _known_s(self) -> float:
        """How long the queen may take to know what is held: the next lease, and a second one should that be lost."""
        return 2 * self._cluster.durations.lease_ms / 1000

    def close(self) -> None:
        """Stop watching the devices."""
        self.devices.close()
