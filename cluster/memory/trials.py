"""Workers that memory is too short for: what one scenario does to them, and the clients that wait for them."""

from __future__ import annotations

import threading
from functools import partial

import psutil

from beehave.at_once import all_at_once
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.memory import LimitLowered
from beehave.http import Answer
from cluster.churn.worker_changes import WorkerChanges
from cluster.cluster import Cluster
from cluster.inference import CHAT, Inference
from cluster.memory.device_taken import DeviceTaken
from cluster.memory.devices_view import DevicesView
from cluster.memory.view import MemoryView
from cluster.registry_view import RegistryView, Row
from cluster.stream import LiveStream
from cluster.workers import Workers


class PatientClient:
    """A client that asks for a model until it gets something other than "come again later"."""

    def __init__(self, inference: Inference, cluster: Cluster, model: str) -> None:
        self._inference = inference
        self._cluster = cluster
        self._model = model
        self._given_up = threading.Event()
        self.answers: list[Answer] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def final_answer(self, *, within_s: float) -> Answer:
        """Return the answer that was not 503.

        Raises:
            AssertionError: there is none in time.
        """
        self._thread.join(within_s)
        assert not self._thread.is_alive(), f"the client still waits after {within_s} s: {self.answers[-1:]}"
        self._cluster.journal.observe("answers", answers=[str(answer) for answer in self.answers])
        return self.answers[-1]

    def close(self) -> None:
        """Give up."""
        self._given_up.set()
        self._thread.join(5)

    def _ask(self) -> None:
        body = Inference.body("are you there", max_tokens=4, model=self._model)
        while True:
            answer = self._cluster.queen.client.post(CHAT, body)
            self.answers.append(answer)
            if answer.status != 503 or self._given_up.wait(float(answer.headers["retry-after"])):
                return


class MemoryTrials:
    """Acts on memory, and looks at what came of it."""

    def __init__(
        self, cluster: Cluster, registry: RegistryView, workers: Workers, changes: WorkerChanges, faults: FaultStack
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self._changes = changes
        self._faults = faults
        self._journal = cluster.journal
        self._inference = Inference(cluster)
        self._client: PatientClient | None = None
        self._streams: dict[str, LiveStream] = {}
        self.devices = DevicesView(cluster)
        self.view = MemoryView(cluster, registry, self.devices)
        self.limit_left: int | None = None
        """The limit that a step has left a worker, in bytes."""
        self._rss: list[int] = []
        self._started: list[Row] = []

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

    def begin_waiting(self, model: str) -> None:
        """Let a client ask for a model, as often as it is told to come again; returns when it was told so once."""
        client = self._client = PatientClient(self._inference, self._cluster, model)
        eventually(
            self._journal,
            "the client was told to come again",
            lambda: [answer.status for answer in client.answers],
            lambda statuses: statuses[:1] == [503],
            within_s=5,
        )

    def begin_waiting_in_line(self, model: str) -> None:
        """Let a client ask for a model whose slots are taken; returns when the queen has it in line."""
        self._client = PatientClient(self._inference, self._cluster, model)
        eventually(
            self._journal,
            "the request waits at the queen",
            lambda: self._inference.counter(self._cluster.queen, "queen_requests_waiting"),
            lambda waiting: waiting == 1,
            within_s=5,
        )

    def spawn_on_all_hives(self, model: str) -> None:
        """Ask for one worker on each hive in one instant."""
        spawns = [partial(self._workers.spawn, model=model, hive=hive.name) for hive in self._cluster.hives]
        self._changes.answers = all_at_once(self._journal, f"a worker for {model} on each hive", spawns)

    def start(self, model: str, count: int) -> None:
        """Start workers for a model, each when the one before is routed to, and remember their rows in that order."""
        self._started = [
            self._workers.wait_until_routable(self._workers.ids_of([self._workers.spawn(model=model)]))[0]
            for _ in range(count)
        ]

    def stream(self, model: str, *, max_tokens: int) -> None:
        """Begin a stream from a model, and wait for its first token."""
        stream = self._streams[model] = LiveStream(
            self._journal,
            f"{self._cluster.queen.address.url}{CHAT}",
            Inference.body("go on and on", max_tokens=max_tokens, model=model),
            headers={},
        )
        stream.wait_for_tokens(1)

    def take_device(self, size_bytes: int) -> None:
        """Let another program take a part of the device."""
        self._faults.add(DeviceTaken(self.devices.ledger(), size_bytes))

    def lower_limit_of(self, model: str, room_bytes: int) -> None:
        """Lower the limit of the control group of a model's worker to little more than it has."""
        (row,) = self.view.rows_of(model)
        (group,) = [each for each in self._cluster.memory_group.groups() if each.path.name.endswith(row["instance"])]
        fault = LimitLowered(group, room_bytes)
        self._faults.add(fault)
        self.limit_left = fault.lowered_to

    def run_out_repeatedly(self, model: str, times: int) -> None:
        """Let a worker for a model run out of memory so often, each row removed; note the hive's memory after each."""
        hive = self._cluster.hives[0]
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
            self._rss.append(psutil.Process(hive.process.pid).memory_info().rss)

    def ended_stream(self, model: str) -> LiveStream:
        """Return the stream of a model once it has ended.

        Raises:
            AssertionError: it goes on.
        """
        self._streams[model].wait_for_end(within_s=self._cluster.durations.deadline_ms / 1000)
        return self._streams[model]

    def waiting_answer(self) -> Answer:
        """Return what the waiting client was told in the end."""
        if self._client is None:
            raise HarnessError("no client waits in this scenario")
        return self._client.final_answer(within_s=self._cluster.durations.deadline_ms / 1000)

    def hive_growth(self) -> int:
        """Return how much the hive's memory has grown since the first of the workers that ran out, in bytes."""
        self._journal.observe("memory of the hive", rss_bytes=self._rss)
        return max(self._rss) - self._rss[0]

    def wait_until_only_held_by(self, model: str | None) -> dict[str, int]:
        """Wait until ledgers, hives and queen agree on what is held, and only by workers of this model (None: nobody).

        Returns what is held of the device, by worker id.
        """
        rows = self.view.rows_of(model) if model is not None else []
        return self.devices.wait_until_held_by({row["id"] for row in rows}, within_s=self._told_s)["gpu0"]

    def devices_of_started(self) -> list[str]:
        """Return the devices of the started workers, in the order of their start, once all views agree on them."""
        ids = [row["id"] for row in self._started]
        held = self.devices.wait_until_held_by(set(ids), within_s=self._told_s)
        rows = {row["id"]: row["device"] for row in self._registry.queen_rows()}
        by_ledger = {worker_id: name for name, use in held.items() for worker_id in use}
        assert rows == by_ledger, f"the rows say {rows}, the ledgers {by_ledger}"
        return [by_ledger[worker_id] for worker_id in ids]

    def outcomes_of_spawns(self, model: str) -> list[str]:
        """Return what became of each spawn: `serves`, or the code or reason for which it does not."""
        accepted = [answer.json["id"] for answer in self._changes.answers_observed() if answer.status == 202]
        rows = eventually(
            self._journal,
            f"the workers for {model} are ready or have failed",
            lambda: [row for row in self._registry.queen_rows() if row["id"] in accepted],
            lambda rows: len(rows) == len(accepted) and all(row["state"] in {"ready", "failed"} for row in rows),
            within_s=self._start_s,
        )
        refused = [str(answer.error_code) for answer in self._changes.answers if answer.status != 202]
        return refused + ["serves" if row["state"] == "ready" else str(row["reason"]) for row in rows]

    @property
    def _start_s(self) -> float:
        return self._cluster.durations.start_up_ms / 1000

    @property
    def _told_s(self) -> float:
        """How long the queen may take to hear what is held: the next lease, and a second one should that be lost."""
        return 2 * self._cluster.durations.lease_ms / 1000

    def close(self) -> None:
        """End what runs in the background."""
        self.devices.close()
        if self._client is not None:
            self._client.close()
        for stream in self._streams.values():
            stream.join(2)
