"""What one scenario did to workers, and what was seen of it: who they were, when it was, what the hive logged."""

from __future__ import annotations

import secrets
import signal
import time
from typing import Any

from beehave import Daemon
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.pause import Pause
from beehave.http import Answer
from beehave.identity import Identity
from beehave.process.logs import log_events
from cluster.churn.interleaving import ChurnReport, churn
from cluster.churn.leftovers import wait_until_nothing_is_left
from cluster.cluster import Cluster
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.workers import Workers


class WorkerChanges:
    """Acts on workers and remembers on which, and when, for the `Then`s that follow."""

    def __init__(self, cluster: Cluster, registry: RegistryView, workers: Workers, faults: FaultStack) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self._faults = faults
        self._frozen: dict[Identity, Pause] = {}
        self.answers: list[Answer] = []
        """The answers of the last spawn or stop."""
        self.subjects: list[Row] = []
        """The rows, as they were before, of the workers that the last `When` acted on."""
        self.before: dict[str, WorkerIdentity] = {}
        """Who the workers were before the last `When`, by id."""
        self.log_marks: dict[str, int] = {}
        """Where each hive's log ended before the last `When`."""
        self.acted_at = 0.0
        """When the last `When` acted, in seconds on the monotonic clock."""
        self.report: ChurnReport | None = None

    @property
    def subject_ids(self) -> set[str]:
        """The ids of the workers that the last `When` acted on."""
        return {row["id"] for row in self.subjects}

    @property
    def ending_bound_s(self) -> float:
        """A worker drains, is killed after the grace, and the hive says so within a heartbeat or two."""
        durations = self._cluster.durations
        return (durations.drain_ms + durations.kill_grace_ms + 2 * durations.heartbeat_ms) / 1000 + 2

    def spawn(self, count: int) -> None:
        """Spawn `count` workers in one instant."""
        self._remember([])
        self.answers = self._workers.spawn_at_once(count)

    def spawn_at_once_for(self, count: int, *, model: str) -> None:
        """Spawn `count` workers for a model in one instant."""
        self._remember([])
        self.answers = self._workers.spawn_at_once(count, model=model)

    def spawn_under_one_id(self, count: int) -> None:
        """Ask for `count` workers under one new id in one instant."""
        self._remember([])
        self.answers = self._workers.spawn_at_once(count, worker_id=f"wrk-{secrets.token_hex(6)}")

    def spawn_model(self, model: str) -> None:
        """Ask for one worker for a model."""
        self._remember([])
        self.answers = [self._workers.spawn(model=model)]

    def spawn_under_living_id(self) -> None:
        """Ask for a worker under the id of one that lives, on another hive where there is one: its own hive guards the
        id too, and would hide a queen that does not."""
        row = self._registry.queen_rows()[0]
        others = [hive.name for hive in self._cluster.hives if hive.name != row["hive_id"]]
        self._remember([row])
        self.answers = [self._workers.spawn(hive=(others or [row["hive_id"]])[0], worker_id=row["id"])]

    def spawn_until_loading(self, model: str) -> None:
        """Spawn a worker and freeze it as soon as it says that it loads, so that it stays at that."""
        (worker_id,) = self._workers.ids_of([self._workers.spawn(model=model)])
        (row,) = self._registry.wait_for_state(
            {worker_id}, "loading", within_s=self._cluster.durations.start_up_ms / 1000
        )
        self.freeze(row)

    def stop(self, count: int) -> None:
        """Stop the first `count` workers in one instant."""
        rows = self._registry.queen_rows()[:count]
        if len(rows) < count:
            raise HarnessError(f"cannot stop {count} workers: there are only {len(rows)}")
        self._remember(rows)
        self.answers = self._workers.stop_at_once([row["id"] for row in rows])

    def stop_at_hive(self) -> None:
        """Stop the first worker through its hive's own API, which needs no queen; returns when its process is gone."""
        row = self._registry.hive_rows()[0]
        self._remember([row])
        hive = self._cluster.daemon(row["hive_id"])
        self.answers = [hive.client.delete(f"/v1/workers/{row['id']}").expect(202)]
        eventually(
            self._cluster.journal,
            f"{row['id']} is gone from {hive.name}",
            lambda: {each["id"] for each in self._registry.hive_rows()},
            lambda ids: row["id"] not in ids,
            within_s=(self._cluster.durations.drain_ms + self._cluster.durations.kill_grace_ms) / 1000,
        )

    def stop_frozen(self) -> None:
        """Stop the frozen worker, let it run on only when the stop was accepted: it meets SIGTERM where it stood."""
        rows = [row for row in self._registry.queen_rows() if WorkerIdentity.of_row(row).process in self._frozen]
        self._remember(rows)
        self.answers = self._workers.stop_at_once([row["id"] for row in rows])
        self.thaw_all()

    def end(self, how: str, row: Row) -> None:
        """End a worker by one of the ways of the sentences: killed, sent SIGTERM, restarted through the API."""
        self._remember([row])
        process = WorkerIdentity.of_row(row).process
        if how == "restarted through the API":
            self.answers = [self._workers.restart(row["id"]).expect(202)]
        else:
            number = {"killed": signal.SIGKILL, "sent SIGTERM": signal.SIGTERM}[how]
            self._workers.signal(process, number, why=f"the step says {how}")
        self.acted_at = time.monotonic()

    def churn(self, changes: int, *, seed: int) -> None:
        """Interleave spawns and stops at random; the same seed gives the same order again."""
        self._remember([])
        within_s = self._cluster.durations.start_up_ms / 1000
        self.report = churn(self._workers, self._registry, changes=changes, seed=seed, within_s=within_s)

    def freeze(self, row: Row) -> None:
        """SIGSTOP a worker, and see that it is stopped."""
        process = WorkerIdentity.of_row(row).process
        pause = Pause(self._cluster.journal, row["id"], process)
        self._frozen[process] = pause
        self._faults.add(pause)

    def freeze_first(self) -> None:
        """SIGSTOP the first worker; it is the subject of what follows."""
        row = self._registry.queen_rows()[0]
        self._remember([row])
        self.freeze(row)

    def thaw_all(self) -> None:
        """Let every frozen process go on that is still there."""
        while self._frozen:
            _, pause = self._frozen.popitem()
            self._faults.heal(pause)

    def answers_observed(self) -> list[Answer]:
        """Return the answers of the last spawn or stop, for a `Then` to judge."""
        self._cluster.journal.observe("answers", answers=[str(answer) for answer in self.answers])
        return self.answers

    def spawned(self) -> list[tuple[Row, Identity]]:
        """Return the workers that the last spawn answered, once they are routed to, with their processes."""
        rows = self._workers.wait_until_routable(self._workers.ids_of(self.answers))
        return [(row, WorkerIdentity.of_row(row).process) for row in rows]

    def exits_logged(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about the exits of the subjects, once there is one for each."""

        def exits() -> list[dict[str, Any]]:
            found = self._logged("worker_exited")
            return [entry for entry in found if entry["worker_id"] in self.subject_ids]

        return eventually(
            self._cluster.journal,
            f"the hive logs the exit of {sorted(self.subject_ids)}",
            exits,
            lambda found: len(found) >= len(self.subjects),
            within_s=self.ending_bound_s,
        )

    def kills_logged(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about workers that they killed since the last `When`."""
        return self._logged("worker_killed")

    def seconds_until_gone(self) -> float:
        """Wait until nothing is left of the subjects; return how long after the last `When` that was, in seconds."""
        wait_until_nothing_is_left(
            self._cluster, self._registry, self.subjects, within_s=self.ending_bound_s * len(self.subjects)
        )
        return time.monotonic() - self.acted_at

    def told_after_s(self, ended_at: float, *, bound_s: float) -> float:
        """Return how long after the subject's end its client's stream ended, in seconds; a figure."""
        took_s = ended_at - self.acted_at
        self._cluster.journal.figure(
            "worker ended to its stream's error chunk", took_s, bound_s=bound_s, why="the contract"
        )
        return took_s

    def wait_until_replaced(self) -> tuple[WorkerIdentity, WorkerIdentity]:
        """Wait until the subject is routed to under a new instance and the old process is gone: (old, new)."""
        (row,) = self.subjects
        old = self.before[row["id"]]

        def replaced(now: Row) -> bool:
            return bool(now["routable"]) and now["instance"] != old.instance and not old.process.exists()

        now = eventually(
            self._cluster.journal,
            f"{row['id']} runs again as another process",
            lambda: self._registry.row(row["id"]),
            replaced,
            within_s=self._cluster.durations.start_up_ms / 1000,
        )
        took_s, bound_s = time.monotonic() - self.acted_at, self._cluster.durations.start_up_ms / 1000
        self._cluster.journal.figure("worker ended to routed to again", took_s, bound_s=bound_s, why="a start-up")
        self._cluster.journal.observe("old process", state=old.process.state(), identity=old.process)
        return old, WorkerIdentity.of_row(now)

    def _remember(self, subjects: list[Row]) -> None:
        self.subjects = subjects
        self.before = {row["id"]: WorkerIdentity.of_row(row) for row in self._registry.queen_rows()}
        self.log_marks = {hive.name: hive.process.log_mark() for hive in self._hives()}
        self.acted_at = time.monotonic()

    def _logged(self, event: str) -> list[dict[str, Any]]:
        return [
            entry
            for hive in self._hives()
            for entry in log_events(self._cluster.journal, hive.process, event, since=self.log_marks[hive.name])
        ]

    def _hives(self) -> list[Daemon]:
        return self._cluster.hives
