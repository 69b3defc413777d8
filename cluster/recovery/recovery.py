"""Ending daemons and starting them again, and what must have outlived it."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from beehave.conditions import always, eventually
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.pause import Pause
from beehave.http import Answer
from beehave.identity import Identity
from beehave.process.logs import log_events
from cluster.clients import Clients
from cluster.cluster import Cluster
from cluster.event_view import events_so_far
from cluster.history import History
from cluster.inference import Inference
from cluster.records import Target
from cluster.recovery.stranger import Stranger
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.stream import PACE_TOKENS
from cluster.workers import Workers

KNOWN_WITHIN_S = 1.0
"""The contract's bound for what is reported when it happens and not by a lease: a crash, a client that went away."""


@dataclass
class Serving:
    """The worker that served a stream when it began."""

    worker: WorkerIdentity


class Recovery:
    """Ends and restarts daemons; the history has who was there before."""

    def __init__(
        self,
        cluster: Cluster,
        registry: RegistryView,
        workers: Workers,
        clients: Clients,
        *,
        faults: FaultStack,
        history: History,
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self._clients = clients
        self._faults = faults
        self._history = history

    def end(self, name: str, number: signal.Signals) -> None:
        """End one daemon."""
        rows = self._registry.rows_of_hive(name)
        act = self._history.act(Target.DAEMON, f"{name} ended", rows)
        self._cluster.end(name, number, why=f"a step ends {name} by {number.name}")
        act.done()

    def end_and_restart(self, name: str, number: signal.Signals) -> None:
        """End one daemon and start it again at once."""
        self.end(name, number)
        self.restart(name)

    def restart(self, *names: str) -> None:
        """Start daemons again, all at once, and wait until they answer."""
        for name in names:
            self._cluster.restart(name)
        self._cluster.wait_until_up(*names)
        self._history.restored()

    def freeze_hive(self, name: str) -> None:
        """Stop a hive's process with SIGSTOP."""
        hive = self._cluster.daemon(name)
        if hive.process.identity is None:
            raise HarnessError(f"{name} has no process to freeze")
        self._faults.add(Pause(self._cluster.journal, name, hive.process.identity))

    def kill_everything(self) -> None:
        """SIGKILL the queen, all hives and all workers at once."""
        rows = self._registry.queen_rows()
        self._history.act(Target.DAEMON, "cluster killed", rows)
        for daemon in [self._cluster.queen, *self._cluster.hives]:
            self._cluster.processes.kill(daemon.process, why="a step kills the whole cluster")
        for worker in map(WorkerIdentity.of_row, rows):
            self._workers.signal(worker.process, signal.SIGKILL, why="a step kills the whole cluster")

    def restart_everything(self) -> None:
        """Start the queen and all hives again."""
        self.restart("queen", *(hive.name for hive in self._cluster.hives))

    @property
    def before(self) -> set[WorkerIdentity]:
        """The workers before the last act."""
        return set(self._history.before.workers.values())

    def survivors(self) -> set[Identity]:
        """Return the processes of the workers before the last act that are alive now."""
        alive = {worker.process for worker in self.before if worker.process.alive()}
        self._cluster.journal.observe("survivors", alive=sorted(alive))
        return alive

    def survivors_after_a_heartbeat(self) -> set[Identity]:
        """Watch for one heartbeat (a graceful exit takes time) and return the workers that are still alive."""
        before = self.before
        return always(
            self._cluster.journal,
            "the workers live on",
            self.survivors,
            lambda alive: len(alive) == len(before),
            for_s=self._cluster.durations.heartbeat_ms / 1000,
        )

    def no_hive_unavailable_for_a_lease(self) -> None:
        """Check for a lease and a heartbeat that no hive is unavailable: one that does not lease shows only then."""
        durations = self._cluster.durations
        always(
            self._cluster.journal,
            "the queen calls no hive unavailable",
            self._registry.hives_at_queen,
            lambda hives: bool(hives) and all(hive["state"] != "unavailable" for hive in hives),
            for_s=(durations.lease_ms + durations.heartbeat_ms) / 1000,
        )

    def seconds_until_unavailable(self, hive: str) -> float:
        """Wait until the queen calls a hive unavailable; return how long it was listed in another state before."""
        durations = self._cluster.durations
        listed: list[float] = []

        def state() -> str | None:
            now = next((each["state"] for each in self._registry.hives_at_queen() if each["id"] == hive), None)
            if now is not None:
                listed.append(time.monotonic())
            return now

        eventually(
            self._cluster.journal,
            f"the queen calls {hive} unavailable",
            state,
            lambda now: now == "unavailable",
            within_s=2 * (durations.lease_ms + durations.heartbeat_ms) / 1000,
        )
        return listed[-1] - listed[0]

    def seconds_until_workers_ended(self) -> float:
        """Wait until the workers have ended by themselves; return how long after the last act that was, in seconds."""
        durations = self._cluster.durations
        eventually(
            self._cluster.journal,
            "the workers without a hive end themselves",
            self.survivors,
            lambda alive: not alive,
            within_s=self.orphan_bound_s + durations.drain_ms / 1000,
        )
        return time.monotonic() - self._history.acted_at

    @property
    def orphan_bound_s(self) -> float:
        """How long a worker may outlive its hive: the grace, and two heartbeats to notice both its beginnings."""
        durations = self._cluster.durations
        return (durations.orphan_grace_ms + 2 * durations.heartbeat_ms) / 1000

    def give_pid_to_stranger(self, hive: str) -> None:
        """End the hive and its worker, and let the worker's row name the PID of a process that is not the worker.

        The row keeps the worker's start: that is how it looks when the kernel has used a PID again.
        """
        self.end(hive, signal.SIGKILL)
        before = self.before
        for worker in before:
            self._workers.signal(worker.process, signal.SIGKILL, why="its PID is to be a stranger's")
        eventually(self._cluster.journal, "the worker is gone", self.survivors, lambda alive: not alive, within_s=5)
        stranger = Stranger(self._cluster)
        self._history.keep(stranger)
        with closing(sqlite3.connect(self._cluster.catalog_path(hive))) as database:
            changed = database.execute("UPDATE workers SET pid = ?", (stranger.process.pid,)).rowcount
            database.commit()
        if changed != len(before):
            raise HarnessError(f"{changed} rows were changed in the hive's database, expected {len(before)}")

    def stranger_seen(self) -> tuple[bool, list[str]]:
        """Return whether the stranger lives, and what it has printed."""
        return self._history.kept(Stranger, "gave a worker's PID to a stranger").seen()

    def crash_known(self) -> Row:
        """Wait until the queen no longer shows the crashed process as one that serves, and return the row."""
        row = self._history.subject
        crashed = WorkerIdentity.of_row(row)
        rows = eventually(
            self._cluster.journal,
            f"the queen knows that {row['id']} has crashed",
            self._registry.queen_rows,
            lambda rows: not any(WorkerIdentity.of_row(now) == crashed and now["routable"] for now in rows),
            within_s=KNOWN_WITHIN_S,
        )
        took_s = time.monotonic() - self._history.acted_at
        self._cluster.journal.figure(
            "worker killed to known at the queen", took_s, bound_s=KNOWN_WITHIN_S, why="the contract"
        )
        return next((now for now in rows if now["id"] == row["id"]), {})

    def ask_each(self, count: int) -> list[Answer]:
        """Send `count` requests, one after the other."""
        return [Inference(self._cluster).ask(f"after {number}") for number in range(count)]

    def ask_after_act(self, count: int) -> list[Answer]:
        """Send `count` requests, one after the other; the time from the last act to the first answer is a figure."""
        first = self.ask_each(1)
        took_s, what = time.monotonic() - self._history.acted_at, "worker killed to the next request answered elsewhere"
        bound_s = KNOWN_WITHIN_S + self._cluster.durations.deadline_ms / 1000
        self._cluster.journal.figure(
            what, took_s, bound_s=bound_s, why="known at the queen, and the request's deadline"
        )
        return first + self.ask_each(count - 1)

    def agree_within_lease(self, count: int) -> set[WorkerIdentity]:
        """Wait until the queen, the hives and the process table agree, for one lease."""
        lease_s = self._cluster.durations.lease_ms / 1000
        workers = self._registry.wait_until_consistent(count=count, within_s=lease_s)
        took_s = time.monotonic() - self._history.restored_at
        self._cluster.journal.figure("started again to consistent", took_s, bound_s=lease_s, why="a lease")
        return workers

    def wait_unroutable(self, worker_id: str, *, within_s: float) -> Row:
        """Wait until the queen does not route to a worker that it still lists."""
        return eventually(
            self._cluster.journal,
            f"{worker_id} is not routed to",
            lambda: self._registry.row(worker_id),
            lambda row: not row["routable"],
            within_s=within_s,
        )

    def wait_until_unhealthy(self, *, probes: int) -> tuple[Row, list[dict[str, Any]], float]:
        """Wait until the queen does not route to the frozen worker, and its hive has logged that probes failed.

        Returns its row, the hive's log lines, and how long after the last act that was, in seconds.
        """
        frozen, within_s = self._history.subject, self.probe_bound_s(probes)
        row = self.wait_unroutable(frozen["id"], within_s=within_s)
        hive = self._cluster.daemon(frozen["hive_id"])
        logged = eventually(
            self._cluster.journal,
            "the hive logs that its probes have failed",
            lambda: log_events(self._cluster.journal, hive.process, "worker_unhealthy"),
            bool,
            within_s=within_s,
        )
        return row, logged, time.monotonic() - self._history.acted_at

    def probe_bound_s(self, probes: int) -> float:
        """Return how long `probes` probes may take: each its interval and its time-out, and a heartbeat or two."""
        durations = self._cluster.durations
        return (probes * (durations.probe_ms + durations.probe_timeout_ms) + 2 * durations.heartbeat_ms) / 1000

    def probe_least_s(self, probes: int) -> float:
        """Return the least time that `probes` probes of a hung worker take, in seconds.

        Each but the last takes its time-out and its interval.
        """
        durations = self._cluster.durations
        return (probes - 1) * (durations.probe_ms + durations.probe_timeout_ms) / 1000

    def stream_longer_than(self, what: str) -> None:
        """Begin a stream that lasts longer than `3 probes` or than `the idle time`; keep who the worker is."""
        durations = self._cluster.durations
        longer_ms = 3 * durations.probe_ms if what == "3 probes" else durations.idle_stop_ms
        stream = self._clients.begin_stream_of(longer_ms * 1.3 / 1000)
        stream.wait_for_tokens(PACE_TOKENS)
        self._history.keep(Serving(WorkerIdentity.of_row(self._clients.serving_row())))

    def stays_routable(self) -> tuple[WorkerIdentity, Row]:
        """Check as long as the stream runs that its worker is routed to and the same process; return both."""
        worker = self._history.kept(Serving, "asked for a stream that lasts longer than the probes").worker
        row = always(
            self._cluster.journal,
            f"{worker.id} stays the same and is routed to",
            lambda: self._registry.row(worker.id),
            lambda row: bool(row["routable"]) and WorkerIdentity.of_row(row) == worker,
            for_s=self._history.stream.expected_end_at - time.monotonic(),
        )
        return worker, row

    def idle_stop(self) -> tuple[set[WorkerIdentity], float, list[dict[str, Any]]]:
        """Wait until no worker is left after the last stream.

        Returns the workers (none), how long after the stream's end that was in seconds, and the queen's events of it.
        """
        stream = self._history.stream
        stream.wait_for_end()
        within_s = self._cluster.durations.idle_stop_ms / 1000 + self._cluster.settle_s
        workers = self._registry.wait_until_consistent(count=0, within_s=within_s)
        took_s = time.monotonic() - (stream.ended_at or 0.0)
        removed = [event for event in events_so_far(self._cluster) if event["kind"] == "worker.removed"]
        return workers, took_s, removed
