"""What is seen, everywhere, of a worker that ran out of memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from beehave import Daemon
from beehave.conditions import always, eventually
from beehave.http import refuses_connections
from beehave.identity import Identity
from beehave.process.logs import log_events
from cluster.cluster import Cluster
from cluster.event_view import events_so_far
from cluster.inference import Inference
from cluster.memory.devices_view import DevicesView
from cluster.memory.ledger_file import Sample
from cluster.registry_view import RegistryView, Row


@dataclass(frozen=True)
class Reported:
    """What each of the places reports about the worker that ran out of memory."""

    row_at_queen: Row
    row_at_hive: Row
    events: list[dict[str, Any]]
    logged: list[dict[str, Any]]
    counted: float

    def shortages(self) -> dict[str, dict[str, Any]]:
        """Return the figures, by the place that gives them; {} where a place gives none."""
        found = {"the queen's row": self.row_at_queen["shortage"], "the hive's row": self.row_at_hive["shortage"]}
        found |= {f"event {event['sequence']}": event["shortage"] for event in self.events}
        found |= {f"the log at {entry['timestamp']}": entry for entry in self.logged}
        return {place: figures or {} for place, figures in found.items()}

    def reasons(self) -> set[str | None]:
        """Return the reasons that rows and events give."""
        return {each["reason"] for each in (self.row_at_queen, self.row_at_hive, *self.events)}


class MemoryView:
    """Looks for the only worker of a model, by the model's name."""

    def __init__(self, cluster: Cluster, registry: RegistryView, devices: DevicesView) -> None:
        self._cluster = cluster
        self._registry = registry
        self._devices = devices
        self._journal = cluster.journal
        self._inference = Inference(cluster)

    def rows_of(self, model: str) -> list[Row]:
        """Return the queen's rows of a model's workers."""
        return [row for row in self._registry.queen_rows() if row["model"] == model]

    def wait_until_failed(self, model: str) -> Row:
        """Wait until the only worker of a model is failed at the queen, and return its row.

        Raises:
            AssertionError: it has not in the time of a start, or it was started again.
        """

        def started_again() -> str | None:
            again = [row["id"] for row in self.rows_of(model) if row["restarts"]]
            return f"{', '.join(again)} was started again" if again else None

        rows = eventually(
            self._journal,
            f"the worker for {model} has failed",
            lambda: self.rows_of(model),
            lambda rows: [row["state"] for row in rows] == ["failed"],
            within_s=self._cluster.durations.start_up_ms / 1000,
            impossible=started_again,
        )
        return rows[0]

    def reported(self, model: str, by: str) -> Reported:
        """Return what all places report about the worker of a model that ran out of memory."""
        row = self.wait_until_failed(model)
        events = self._events_about(row)
        logged = [entry for entry in self._logged("worker_out_of_memory") if entry["worker_id"] == row["id"]]
        hive = self._cluster.daemon(row["hive_id"])
        return Reported(
            row_at_queen=row,
            row_at_hive=hive.client.get(f"/v1/workers/{row['id']}").expect(200).json,
            events=[event for event in events if event["kind"] == "worker.failed"],
            logged=logged,
            counted=self._inference.counter(hive, "hive_out_of_memory_total", by=by),
        )

    def exit_of(self, model: str) -> dict[str, Any]:
        """Return the hive's log line about the end of the only process that a model's worker has had."""
        row = self.wait_until_failed(model)
        exits = [entry for entry in self._logged("worker_exited") if entry["worker_id"] == row["id"]]
        assert len(exits) == 1, f"{row['id']} should have had one process that ended: {exits}"
        return exits[0]

    def never_started_again(self, model: str) -> list[dict[str, Any]]:
        """See for the length of a lease, many restart pauses, that the worker of a model stays failed and unrouted.

        Returns the hive's log lines about its starts: one.
        """

        def is_at_rest(rows: list[Row]) -> bool:
            return [(row["state"], row["pid"], row["restarts"], row["routable"]) for row in rows] == [
                ("failed", None, 0, False)
            ]

        rows = always(
            self._journal,
            f"the worker for {model} stays failed",
            lambda: self.rows_of(model),
            is_at_rest,
            for_s=self._lease_s,
        )
        return [entry for entry in self._logged("worker_started") if entry["worker_id"] == rows[0]["id"]]

    def leftovers(self, model: str) -> list[str]:
        """Wait until nothing is left of the worker of a model but its row, and return what is left: nothing."""
        row = self.wait_until_failed(model)
        hive = self._cluster.daemon(row["hive_id"])
        exited = self.exit_of(model)
        process = Identity(exited["pid"], exited["start_ticks"])
        ports = self._ports_of(hive, row)

        def left() -> list[str]:
            groups = [group.path.name for group in self._cluster.memory_group.groups()]
            parts = list((Path(hive.config["data_dir"]) / "models").glob("*.part*"))
            held = [name for name, use in self._devices.held_by_ledgers().items() if row["id"] in use]
            found = [f"process {process.describe()}"] if process.exists() else []
            found += [f"memory of device {name}" for name in held]
            found += [f"control group {name}" for name in groups if name.endswith(row["instance"])]
            found += [f"part of a download {path.name}" for path in parts]
            found += self._registry.strays()
            found += [f"a listener on port {port}" for port in ports if self._answers(hive, port)]
            self._journal.observe("leftovers", of=row["id"], found=found)
            return found

        return eventually(
            self._journal, f"nothing is left of {row['id']}", left, lambda it: not it, within_s=self._lease_s
        )

    def known_after_ms(self, model: str) -> float:
        """Return how long after its memory ran out the queen reported a worker's failure, by the daemons' clocks.

        It ran out when the worker logged it, or when the hive killed it; of the kernel's kill only the exit is known.
        """
        row = self.wait_until_failed(model)
        hive = self._cluster.daemon(row["hive_id"])
        noticed = [entry for entry in self._own_log(hive, row) if entry["event"] == "out_of_memory"]
        killed = [entry for entry in self._logged("worker_killed") if entry["worker_id"] == row["id"]]
        ended = datetime.fromisoformat([*noticed, *killed, self.exit_of(model)][0]["timestamp"])
        failures = [event for event in self._events_about(row) if event["kind"] == "worker.failed"]
        assert len(failures) == 1, f"the queen should have one event that {row['id']} has failed: {failures}"
        took_ms = (datetime.fromisoformat(failures[0]["at"]) - ended).total_seconds() * 1000
        self._figure("out of memory, by the worker's log or the kill, to the queen's event", took_ms)
        return took_ms

    def back_after_ms(self, model: str, device: str = "gpu0") -> float:
        """Return for how long the ledger had memory of a model's worker after its last charge; a figure.

        Raises:
            AssertionError: it never had any, or still has.
        """
        row = self.wait_until_failed(model)
        samples = self._devices.watch(device).observed(self._journal)
        having = [index for index, sample in enumerate(samples) if sample.held.get(row["id"])]
        assert having, f"{row['id']} never held anything: {samples}"
        assert having[-1] + 1 < len(samples), f"{row['id']} still holds something: {samples[-1]}"
        took_ms = (samples[having[-1] + 1].at - samples[having[-1]].at) * 1000
        self._figure("last charge to the ledger given back", took_ms)
        return took_ms

    def starts(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about processes that they started."""
        return self._logged("worker_started")

    def counted_out_of_memory(self) -> float:
        """Return how many workers the hives count as out of memory, in whatever way it was detected."""
        return sum(self._inference.counter(hive, "hive_out_of_memory_total") for hive in self._cluster.hives)

    def logged_out_of_memory(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about workers that ran out of memory."""
        return self._logged("worker_out_of_memory")

    def events_of_failure(self) -> list[dict[str, Any]]:
        """Return the queen's events about workers that have failed for good, whatever for."""
        return [event for event in events_so_far(self._cluster) if event["kind"] == "worker.failed"]

    @property
    def _lease_s(self) -> float:
        return self._cluster.durations.lease_ms / 1000

    @property
    def bound_ms(self) -> int:
        """Two heartbeats.

        The end of a process takes one at most (uvicorn's ticks, a busy machine); the lease after it comes within the
        second.
        """
        return 2 * self._cluster.durations.heartbeat_ms

    def _figure(self, name: str, took_ms: float) -> None:
        self._journal.figure(name, took_ms / 1000, bound_s=self.bound_ms / 1000, why="two heartbeats")

    def _events_about(self, row: Row) -> list[dict[str, Any]]:
        return [event for event in events_so_far(self._cluster) if event.get("worker_id") == row["id"]]

    def _logged(self, event: str) -> list[dict[str, Any]]:
        return [entry for hive in self._cluster.hives for entry in log_events(self._journal, hive.process, event)]

    @staticmethod
    def _own_log(hive: Daemon, row: Row) -> list[dict[str, Any]]:
        """Return what a worker's processes have logged themselves (`<data_dir>/logs/<id>.log`)."""
        log = Path(hive.config["data_dir"]) / "logs" / f"{row['id']}.log"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]

    def _ports_of(self, hive: Daemon, row: Row) -> list[int]:
        """Return the ports that a worker's processes listened on."""
        return [record["port"] for record in self._own_log(hive, row) if record["event"] == "listening"]

    def _answers(self, hive: Daemon, port: int) -> bool:
        return not refuses_connections(self._journal, hive.address.host, port)


def steps_of(samples: Sequence[Sample], worker_id: str) -> list[int]:
    """Return the values to which what a worker holds of the device rose, one above the other."""
    held = [sample.held.get(worker_id, 0) for sample in samples]
    return [after for before, after in pairwise(held) if after > before]


def highest_claim(samples: Sequence[Sample]) -> int:
    """Return the most that was ever booked, in bytes."""
    return max((sample.claimed_bytes for sample in samples), default=0)


def was_free_between(samples: Sequence[Sample], worker_id: str, size_bytes: int) -> bool:
    """Return whether a worker held this much, then nothing, and then as much again."""
    held = [sample.held.get(worker_id, 0) for sample in samples]
    full = [index for index, size in enumerate(held) if size == size_bytes]
    return bool(full) and 0 in held[full[0] : full[-1]]
