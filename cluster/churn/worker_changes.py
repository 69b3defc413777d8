"""What one scenario does to workers, and what is seen of it then: who they were, what the hive logged."""

from __future__ import annotations

import secrets
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from beehave.at_once import all_at_once
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.pause import Pause
from beehave.http import Answer
from beehave.identity import Identity
from beehave.process.logs import log_events
from cluster.churn.interleaving import churn
from cluster.churn.leftovers import wait_until_nothing_is_left
from cluster.cluster import DEFAULT_MODEL, Cluster
from cluster.history import History
from cluster.records import Kind, Target
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.workers import Workers


@dataclass
class StartedInOrder:
    """Workers that were started one after the other, in the order in which they became ready."""

    rows: list[Row]

    @property
    def ids(self) -> list[str]:
        """Their ids."""
        return [row["id"] for row in self.rows]


class WorkerChanges:
    """Acts on workers; the history has on which, when, and what was answered."""

    def __init__(
        self, cluster: Cluster, registry: RegistryView, workers: Workers, faults: FaultStack, history: History
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self._faults = faults
        self._history = history
        self._frozen: dict[Identity, Pause] = {}

    @property
    def ending_bound_s(self) -> float:
        """A worker drains, is killed after the grace, and the hive reports it within a heartbeat or two."""
        durations = self._cluster.durations
        return (durations.drain_ms + durations.kill_grace_ms + 2 * durations.heartbeat_ms) / 1000 + 2

    def spawn(self, count: int, *, model: str = DEFAULT_MODEL) -> None:
        """Ask for `count` workers in one instant."""
        self._history.act(Target.WORKERS, "worker spawned")
        answers = self._workers.spawn_at_once(count, model=model)
        self._history.answered(Kind.SPAWN, answers)

    def spawn_under_one_id(self, count: int) -> None:
        """Ask for `count` workers under one new id in one instant."""
        self._history.act(Target.WORKERS, "worker spawned")
        answers = self._workers.spawn_at_once(count, worker_id=f"wrk-{secrets.token_hex(6)}")
        self._history.answered(Kind.SPAWN, answers)

    def spawn_on_all_hives(self, model: str) -> None:
        """Ask for one worker on each hive in one instant."""
        self._history.act(Target.WORKERS, "worker spawned")
        spawns = [partial(self._workers.spawn, model=model, hive=hive.name) for hive in self._cluster.hives]
        answers = all_at_once(self._cluster.journal, f"a worker for {model} on each hive", spawns)
        self._history.answered(Kind.SPAWN, answers)

    def spawn_under_living_id(self) -> None:
        """Request a worker under the id of a living one, on another hive where there is one.

        The worker's own hive checks ids too, and would hide that the queen does not.
        """
        row = self._registry.first_row()
        others = [hive.name for hive in self._cluster.hives if hive.name != row["hive_id"]]
        self._history.act(Target.WORKERS, "worker spawned", [row])
        answer = self._workers.spawn(hive=(others or [row["hive_id"]])[0], worker_id=row["id"])
        self._history.answered(Kind.SPAWN, [answer])

    def spawn_until_loading(self, model: str) -> None:
        """Spawn a worker and freeze it as soon as its state is `loading`, so that it stays in it."""
        (worker_id,) = self._workers.ids_of([self._workers.spawn(model=model)])
        (row,) = self._registry.wait_for_state({worker_id}, "loading", within_s=self._cluster.settle_s)
        self.freeze(row)

    def start_in_order(self, count: int, *, model: str = DEFAULT_MODEL) -> None:
        """Start workers for a model, each when the one before is routed to; their ids fall.

        So their order cannot be taken for that of a sorted list.
        """
        self._history.act(Target.WORKERS, "worker spawned")
        token = secrets.token_hex(3)
        answers: list[Answer] = []
        rows: list[Row] = []
        for number in range(count, 0, -1):
            worker_id = f"wrk-later-{number:02d}-{token}"
            answers.append(self._workers.spawn(model=model, worker_id=worker_id))
            rows += self._workers.wait_until_routable(self._workers.ids_of(answers[-1:]))
        self._history.answered(Kind.SPAWN, answers)
        self._history.keep(StartedInOrder(rows))

    def stop(self, count: int) -> None:
        """Stop the first `count` workers in one instant."""
        rows = self._registry.queen_rows()[:count]
        if len(rows) < count:
            raise HarnessError(f"cannot stop {count} workers: there are only {len(rows)}")
        self._stop(rows)

    def stop_at_hive(self) -> None:
        """Stop the first worker through its hive's own API, which needs no queen; returns when its process is gone."""
        rows = self._registry.hive_rows()
        if not rows:
            raise HarnessError("cannot stop a worker: no hive lists one")
        row = rows[0]
        self._history.act(Target.WORKERS, "worker stopped", [row])
        hive = self._cluster.daemon(row["hive_id"])
        self._history.answered(Kind.STOP, [hive.client.delete(f"/v1/workers/{row['id']}").expect(202)])
        eventually(
            self._cluster.journal,
            f"{row['id']} is gone from {hive.name}",
            lambda: {each["id"] for each in self._registry.hive_rows()},
            lambda ids: row["id"] not in ids,
            within_s=(self._cluster.durations.drain_ms + self._cluster.durations.kill_grace_ms) / 1000,
        )

    def stop_that(self) -> None:
        """Stop the worker that was acted on last.

        A frozen one is continued only after the stop was accepted, so that SIGTERM is pending when it continues.
        """
        self._stop([self._registry.row(self._history.subject["id"])])
        self.thaw_all()

    def end(self, how: str, row: Row) -> None:
        """End a worker by one of the ways of the sentences: killed, sent SIGTERM, restarted through the API."""
        act = self._history.act(Target.WORKERS, "worker ended", [row])
        process = WorkerIdentity.of_row(row).process
        if how == "restarted through the API":
            self._history.answered(Kind.STOP, [self._workers.restart(row["id"]).expect(202)])
        else:
            number = {"killed": signal.SIGKILL, "sent SIGTERM": signal.SIGTERM}[how]
            self._workers.signal(process, number, why=f"the step: {how}")
        act.done()

    def churn(self, changes: int, *, seed: int) -> None:
        """Interleave spawns and stops at random; the same seed gives the same order again."""
        self._history.act(Target.WORKERS, "workers changed")
        within_s = self._cluster.settle_s
        self._history.keep(churn(self._workers, self._registry, changes=changes, seed=seed, within_s=within_s))

    def freeze(self, row: Row) -> None:
        """Stop a worker's process with SIGSTOP, and check that it is stopped."""
        self._history.act(Target.WORKERS, "worker frozen", [row])
        process = WorkerIdentity.of_row(row).process
        pause = Pause(self._cluster.journal, row["id"], process)
        self._frozen[process] = pause
        self._faults.add(pause)

    def thaw_all(self) -> None:
        """Let every frozen process go on that is still there."""
        while self._frozen:
            _, pause = self._frozen.popitem()
            self._faults.heal(pause)

    def spawned(self) -> list[tuple[Row, Identity]]:
        """Return the workers that the last spawn answered, once they are routed to, with their processes."""
        rows = self._workers.wait_until_routable(self._workers.ids_of(self._history.answers(Kind.SPAWN)))
        return [(row, WorkerIdentity.of_row(row).process) for row in rows]

    def exits_logged(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about the exits of the subjects, once there is one for each."""
        subjects = self._history.subject_ids

        def exits() -> list[dict[str, Any]]:
            return [entry for entry in self._logged("worker_exited") if entry["worker_id"] in subjects]

        return eventually(
            self._cluster.journal,
            f"the hive logs the exit of {sorted(subjects)}",
            exits,
            lambda found: len(found) >= len(subjects),
            within_s=self.ending_bound_s,
        )

    def kills_logged(self) -> list[dict[str, Any]]:
        """Return the hives' log lines about workers that they killed since the last `When`."""
        return self._logged("worker_killed")

    def leftovers(self) -> list[str]:
        """Wait until nothing is left of the subjects, one after the other, and return what is left: nothing."""
        return wait_until_nothing_is_left(
            self._cluster, self._registry, self._history.subjects, within_s=self.ending_bound_s
        )

    def seconds_until_gone(self) -> float:
        """Wait until nothing is left of the subjects; return how long after the last `When` that was, in seconds."""
        subjects = self._history.subjects
        within_s = self.ending_bound_s * len(subjects)
        wait_until_nothing_is_left(self._cluster, self._registry, subjects, within_s=within_s)
        return time.monotonic() - self._history.act_on_workers().at

    def stream_ended_after_s(self, ended_at: float | None, *, bound_s: float) -> float:
        """Return how long after the last act the client's stream ended, in seconds; a figure."""
        act = self._history.last_act()
        took_s = (ended_at or act.at) - act.at
        name = f"{act.what} to its stream's error chunk"
        self._cluster.journal.figure(name, took_s, bound_s=bound_s, why="the contract")
        return took_s

    def wait_until_replaced(self) -> tuple[WorkerIdentity, WorkerIdentity]:
        """Wait until the subject is routed to under a new instance and the old process is gone: (old, new)."""
        old = WorkerIdentity.of_row(self._history.subject)

        def replaced(now: Row) -> bool:
            return bool(now["routable"]) and now["instance"] != old.instance and not old.process.exists()

        now = eventually(
            self._cluster.journal,
            f"{old.id} runs again as another process",
            lambda: self._registry.row(old.id),
            replaced,
            within_s=self._cluster.settle_s,
        )
        took_s, bound_s = time.monotonic() - self._history.act_on_workers().at, self._cluster.settle_s
        self._cluster.journal.figure("worker ended to routed to again", took_s, bound_s=bound_s, why="a start-up")
        self._cluster.journal.observe("old process", state=old.process.state(), identity=old.process)
        return old, WorkerIdentity.of_row(now)

    def _stop(self, rows: list[Row]) -> None:
        self._history.act(Target.WORKERS, "worker stopped", rows)
        self._history.answered(Kind.STOP, self._workers.stop_at_once([row["id"] for row in rows]))

    def _logged(self, event: str) -> list[dict[str, Any]]:
        marks = self._history.act_on_workers().before.log_marks
        return [
            entry
            for hive in self._cluster.hives
            for entry in log_events(self._cluster.journal, hive.process, event, since=marks.get(hive.name, 0))
        ]
