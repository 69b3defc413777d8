"""The claim of a stored row on a process that an earlier hive started, until it is proved or given up."""

from __future__ import annotations

from pathlib import Path

from daemons.common.process import boot_id, is_same_process
from daemons.common.wire import WorkerLease
from daemons.hive.machine import command_names
from daemons.hive.store import StoredWorker
from daemons.hive.workers.adoption import Adoption, ProcessSeen, Seen, StoredRow, judge
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.states import RESTING


class Claim:
    """Collects what proves, or refutes, that a process is the worker of a row; `judge` decides.

    The window between the spawn and the row's second write is closed from the other side: the row has the
    instance (written before the spawn) and no PID, and the worker that was given this instance comes with its lease,
    which has its PID. Its command line must name its configuration file, since nothing on disk vouches for the PID.
    """

    def __init__(self, stored: StoredWorker, config_path: Path) -> None:
        self._stored = stored
        self._config_path = config_path
        self._proved_instance: str | None = None
        self.lease: WorkerLease | None = None
        """The lease by which the process introduced itself, to be taken as its first."""
        self.process: WorkerProcess | None = None
        if stored.pid is not None and stored.start_ticks is not None and stored.boot_id == boot_id():
            process = WorkerProcess.adopt(stored.pid, stored.start_ticks)
            self.process = process if process.alive() else None

    def introduce(self, lease: WorkerLease) -> bool:
        """Hear the lease of a process that says that it is this worker. Returns whether it can be believed."""
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
        """Hear the `/health` that was answered at the row's port."""
        if self.process is not None and pid == self.process.pid:
            self._proved_instance = instance

    def judge(self, *, waited: bool = False) -> Adoption:
        """What to do, by what is known at this moment."""
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
            # Read only when it decides: it costs a look at the process table.
            runs_our_command=waited and self.process is not None and command_names(self.process.pid, self._config_path),
            waited=waited,
        )
