"""Adoption: what a hive does with the worker rows that a previous hive process left behind.

A hive that was killed leaves its workers running, each in its own session. Its successor adopts exactly those that are
proved to be its own: by PID, start time *and* instance. A PID alone proves nothing, since the kernel reuses it as soon
as it is free; a start time counts clock ticks since boot, so it proves something only within one boot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from pathlib import Path

from daemons.common.process import boot_id, is_same_process
from daemons.common.wire import WorkerLease
from daemons.hive.changes import Changes
from daemons.hive.machine import command_names
from daemons.hive.states import RESTING
from daemons.hive.store import StoredWorker
from daemons.hive.workers.context import SupervisorContext
from daemons.hive.workers.process import WorkerProcess


class ProcessSeen(StrEnum):
    """What the process table says about the PID and start time of a row."""

    NOT_RECORDED = "not_recorded"
    """The row has no PID: the hive died between the spawn and the second write of the row, or before the spawn."""
    GONE = "gone"
    """No such process, a zombie, another boot, or the PID belongs to another process by now."""
    SAME = "same"
    """A live process with this PID, started at this tick of this boot."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """What the decision needs of a row."""

    instance: str | None
    """The instance of the process that was spawned for this row and not seen to end; None when there was none."""
    resting: bool
    """The row was `failed` or `stopped`: it has no process and needs none."""
    stopping: bool
    """An operator had asked for its stop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed about the process of a row."""

    process: ProcessSeen
    proved_instance: str | None = None
    """The instance that its `/health`, or its own lease from that PID, gave; None while there was no answer."""
    runs_our_command: bool = False
    """Its command line names the configuration file that this hive's folder holds for this worker."""
    waited: bool = False
    """The time for the proof is over."""


class Decision(Enum):
    """What to do with a row."""

    RESTORE = auto()
    """Keep the row as it is; there is nothing to run."""
    START = auto()
    """Start it: it has no process, and none is to be expected."""
    ADOPT = auto()
    """Adopt the process: same id, same PID, supervised from now on."""
    AWAIT_PROOF = auto()
    """Leave it alone and wait, bounded, for its `/health` or its lease to prove the instance."""
    KILL = auto()
    """Kill it by identity, then treat it as crashed: it is ours by PID, start time and command line, but silent."""
    CRASHED = auto()
    """There is no process of ours: the restart policy decides."""
    REMOVE = auto()
    """There is no process of ours, and the row was being stopped: the stop is complete."""


def judge(row: StoredRow, seen: Seen) -> Decision:
    """Decide about one row. Asked again when `seen` has changed, until the answer is not `AWAIT_PROOF`."""
    if row.resting:
        return Decision.RESTORE
    if row.instance is None:
        return Decision.REMOVE if row.stopping else Decision.START
    if seen.process is not ProcessSeen.GONE and seen.proved_instance == row.instance:
        return Decision.ADOPT
    if seen.process is not ProcessSeen.GONE and not seen.waited:
        return Decision.AWAIT_PROOF
    if seen.process is ProcessSeen.SAME and seen.runs_our_command:
        return Decision.KILL
    return Decision.REMOVE if row.stopping else Decision.CRASHED


class Adoption:
    """Collects what proves, or refutes, that a process is the worker of a stored row.

    A hive may have died between the spawn and the row's second write: the row has the instance (written before the
    spawn) and no PID. Then the worker identifies itself: it was given this instance, and its lease carries its PID. Its
    command line must name its configuration file, since nothing on disk confirms the PID.
    """

    def __init__(self, stored: StoredWorker, config_path: Path) -> None:
        self._stored = stored
        self._config_path = config_path
        self._proved_instance: str | None = None
        self.lease: WorkerLease | None = None
        """The lease by which the process proved itself, to be taken as its first."""
        self.process: WorkerProcess | None = None
        if stored.pid is not None and stored.start_ticks is not None and stored.boot_id == boot_id():
            process = WorkerProcess.adopt(stored.pid, stored.start_ticks)
            self.process = process if process.alive() else None

    async def settle(self, changes: Changes, context: SupervisorContext, stop_asked: Callable[[], bool]) -> Decision:
        """Wait, bounded, for the decision about the row; never `AWAIT_PROOF`. A stop does not wait for the proof.

        A process that is there by PID and start time has `orphan_grace_ms` to prove itself: a worker without a hive
        for that long ends itself, so one that neither ended nor answered is stuck. Where no PID was recorded a worker
        that exists sends its heartbeat within `lease_ms`.
        """
        if self.process is not None:
            self.process.watch(changes.notify)
        durations = context.durations
        bound_ms = durations.lease_ms if self.process is None else durations.orphan_grace_ms
        probing = asyncio.create_task(self._probe(changes, context))
        try:
            await changes.until(lambda: stop_asked() or self.judge() is not Decision.AWAIT_PROOF, within_ms=bound_ms)
        finally:
            probing.cancel()
        return self.judge(waited=True)

    def introduce(self, lease: WorkerLease) -> bool:
        """Take the lease of a process that claims to be this worker. Return whether it proves that."""
        stored = self._stored
        if not stored.spawned or lease.instance != stored.instance:
            return False
        if not is_same_process(lease.pid, lease.start_ticks):
            return False
        if stored.pid is None:
            if not command_names(lease.pid, self._config_path):
                return False
            self.process = self.process or WorkerProcess.adopt(lease.pid, lease.start_ticks)
        if self.process is None or lease.pid != self.process.pid:
            return False
        self.lease = lease
        self._proved_instance = lease.instance
        return True

    def answered(self, instance: str, pid: int) -> None:
        """Take the identity in the `/health` that was answered at the row's port."""
        if self.process is not None and pid == self.process.pid:
            self._proved_instance = instance

    def judge(self, *, waited: bool = False) -> Decision:
        """Decide by what is known now."""
        stored = self._stored
        row = StoredRow(
            instance=stored.instance if stored.spawned else None,
            resting=stored.state in RESTING,
            stopping=stored.stopping,
        )
        return judge(row, self._seen(waited=waited))

    def _seen(self, *, waited: bool) -> Seen:
        if self.process is not None:
            process = ProcessSeen.SAME if self.process.alive() else ProcessSeen.GONE
        else:
            process = ProcessSeen.NOT_RECORDED if self._stored.pid is None else ProcessSeen.GONE
        return Seen(
            process=process,
            proved_instance=self._proved_instance,
            # Read only when it decides: it costs a read of the process table.
            runs_our_command=waited and self.process is not None and command_names(self.process.pid, self._config_path),
            waited=waited,
        )

    async def _probe(self, changes: Changes, context: SupervisorContext) -> None:
        """Ask for the instance at the row's port, once a heartbeat, until cancelled."""
        while self._stored.port is not None:
            answered = await context.prober.ask(self._stored.port)
            if answered is not None:
                self.answered(answered.instance, answered.pid)
                changes.notify()
            await asyncio.sleep(context.durations.heartbeat_ms / 1000)
