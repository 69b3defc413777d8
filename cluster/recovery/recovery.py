"""Ending daemons and starting them again, and what must have outlived it."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from contextlib import closing

from beehave.conditions import always, eventually
from beehave.errors import HarnessError
from beehave.http import Answer
from beehave.identity import Identity
from beehave.process.table import ManagedProcess
from cluster.cluster import Cluster
from cluster.inference import Inference
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.workers import Workers

TOLD_WITHIN_S = 1.0
"""The contract's bound for what is told when it happens and not by a lease: a crash, a client that went away."""

STRANGER = (
    "import signal, sys, time; "
    "signal.signal(signal.SIGTERM, lambda *_: (print('got SIGTERM', flush=True), sys.exit(0))); "
    "print('here', flush=True); time.sleep(600)"
)
"""A program that has nothing to do with the cluster; it says so when it is told to end, and sleeps ten minutes."""


class Recovery:
    """Remembers who was there before, and ends and restarts."""

    def __init__(self, cluster: Cluster, registry: RegistryView, workers: Workers) -> None:
        self._cluster = cluster
        self._registry = registry
        self._workers = workers
        self.before: set[WorkerIdentity] = set()
        """The workers before the last ending."""
        self.acted_at = 0.0
        """When the last ending was, in seconds on the monotonic clock."""
        self.restarted_at = 0.0
        """When the daemons that were started again last answered, in seconds on the monotonic clock."""
        self._stranger: ManagedProcess | None = None

    def remember(self) -> None:
        """Write down who the workers are."""
        self.before = {WorkerIdentity.of_row(row) for row in self._registry.queen_rows()}
        self.acted_at = time.monotonic()

    def end(self, name: str, number: signal.Signals) -> None:
        """End one daemon; who was there before is remembered."""
        self.remember()
        self._cluster.end(name, number, why=f"a step ends {name} by {number.name}")
        self.acted_at = time.monotonic()

    def end_and_restart(self, name: str, number: signal.Signals) -> None:
        """End one daemon and start it again at once."""
        self.end(name, number)
        self.restart(name)

    def restart(self, *names: str) -> None:
        """Start daemons again, all at once, and wait until they answer."""
        for name in names:
            self._cluster.restart(name)
        self._cluster.wait_until_up(*names)
        self.restarted_at = time.monotonic()

    def kill_everything(self) -> None:
        """SIGKILL the queen, all hives and all workers, in one breath."""
        self.remember()
        for daemon in [self._cluster.queen, *self._cluster.hives]:
            self._cluster.processes.kill(daemon.process, why="a step kills the whole cluster")
        for worker in self.before:
            self._workers.signal(worker.process, signal.SIGKILL, why="a step kills the whole cluster")

    def restart_everything(self) -> None:
        """Start the queen and all hives again."""
        self.restart("queen", *(hive.name for hive in self._cluster.hives))

    def survivors(self) -> set[Identity]:
        """Return which of the worker processes of before are alive now."""
        alive = {worker.process for worker in self.before if worker.process.alive()}
        self._cluster.journal.observe("survivors", alive=sorted(alive))
        return alive

    def survivors_after_a_heartbeat(self) -> set[Identity]:
        """Look for a heartbeat, for who ends in order needs some time; return which workers of before live then."""
        return always(
            self._cluster.journal,
            "the workers live on",
            self.survivors,
            lambda alive: len(alive) == len(self.before),
            for_s=self._cluster.durations.heartbeat_ms / 1000,
        )

    def no_hive_unavailable_for_a_lease(self) -> None:
        """Look for a lease and a heartbeat: a hive that does not lease to the queen shows only then."""
        durations = self._cluster.durations
        always(
            self._cluster.journal,
            "the queen calls no hive unavailable",
            self._registry.hives_at_queen,
            lambda hives: bool(hives) and all(hive["state"] != "unavailable" for hive in hives),
            for_s=(durations.lease_ms + durations.heartbeat_ms) / 1000,
        )

    def seconds_until_unavailable(self, hive: str) -> float:
        """Wait until the queen calls a hive unavailable; return how long she listed it in another state before."""
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
        """Wait until the workers of before have ended by themselves; return how long after the ending that was."""
        durations = self._cluster.durations
        eventually(
            self._cluster.journal,
            "the workers without a hive end themselves",
            self.survivors,
            lambda alive: not alive,
            within_s=self.orphan_bound_s + durations.drain_ms / 1000,
        )
        return time.monotonic() - self.acted_at

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
        for worker in self.before:
            self._workers.signal(worker.process, signal.SIGKILL, why="its PID is to be a stranger's")
        eventually(self._cluster.journal, "the worker is gone", self.survivors, lambda alive: not alive, within_s=5)
        argv = [sys.executable, "-c", STRANGER]
        stranger = self._cluster.processes.spawn(
            "stranger", "stranger", argv, log_path=self._cluster.folder / "stranger.log"
        )
        self._stranger = stranger
        eventually(
            self._cluster.journal,
            "the stranger is there",
            stranger.log_lines,
            lambda lines: "here" in lines,
            within_s=10,
        )
        with closing(sqlite3.connect(self._cluster.catalog_path(hive))) as database:
            changed = database.execute("UPDATE workers SET pid = ?", (stranger.pid,)).rowcount
            database.commit()
        if changed != len(self.before):
            raise HarnessError(f"{changed} rows were changed in the hive's database, expected {len(self.before)}")

    def stranger_seen(self) -> tuple[bool, list[str]]:
        """Return whether the stranger lives, and what it said."""
        if self._stranger is None or self._stranger.identity is None:
            raise HarnessError("no stranger was started in this scenario")
        alive, lines = self._stranger.identity.alive(), self._stranger.log_lines()
        self._cluster.journal.observe("stranger", alive=alive, lines=lines)
        return alive, lines

    def crash_known(self, row: Row, *, killed_at: float) -> Row:
        """Wait until the queen no longer shows the crashed process as one that serves."""
        crashed = WorkerIdentity.of_row(row)
        rows = eventually(
            self._cluster.journal,
            f"the queen knows that {row['id']} has crashed",
            self._registry.queen_rows,
            lambda rows: not any(WorkerIdentity.of_row(now) == crashed and now["routable"] for now in rows),
            within_s=TOLD_WITHIN_S,
        )
        took_s = time.monotonic() - killed_at
        self._cluster.journal.figure(
            "worker killed to known at the queen", took_s, bound_s=TOLD_WITHIN_S, why="the contract"
        )
        return next((now for now in rows if now["id"] == row["id"]), {})

    def ask_each(self, count: int) -> list[Answer]:
        """Send `count` requests, one after the other."""
        return [Inference(self._cluster).ask(f"after {number}") for number in range(count)]

    def ask_after_kill(self, count: int, *, killed_at: float) -> list[Answer]:
        """Send `count` requests, one after the other; how long after the kill the first was answered is a figure."""
        first = self.ask_each(1)
        took_s, what = time.monotonic() - killed_at, "worker killed to the next request answered elsewhere"
        bound_s = TOLD_WITHIN_S + self._cluster.durations.deadline_ms / 1000
        self._cluster.journal.figure(
            what, took_s, bound_s=bound_s, why="known at the queen, and the request's deadline"
        )
        return first + self.ask_each(count - 1)

    def agree_within_lease(self, count: int) -> set[WorkerIdentity]:
        """Wait until the queen, the hives and the process table agree, one lease after the restarted answered."""
        lease_s = self._cluster.durations.lease_ms / 1000
        workers = self._registry.wait_until_consistent(count=count, within_s=lease_s)
        took_s = time.monotonic() - self.restarted_at
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

    def stays_routable(self, worker: WorkerIdentity, *, for_s: float) -> Row:
        """Look for `for_s` seconds: the worker is routed to, and the same process, at every look."""
        return always(
            self._cluster.journal,
            f"{worker.id} stays the same and is routed to",
            lambda: self._registry.row(worker.id),
            lambda row: bool(row["routable"]) and WorkerIdentity.of_row(row) == worker,
            for_s=for_s,
        )
