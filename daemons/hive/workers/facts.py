"""What a hive knows about one worker: plain fields, changed by its supervisor alone, and shown as a row."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from daemons.common.process import boot_id
from daemons.common.wire import Shortage, WorkerLease, WorkerRow, WorkerState
from daemons.hive.states import Reason, advances
from daemons.hive.store import StoredWorker
from daemons.hive.worker_spec import WorkerSpec


def now_ms() -> float:
    """Return the time of the clock of all these facts: monotonic, in milliseconds."""
    return time.monotonic() * 1000


@dataclass(slots=True)
class ProcessFacts:
    """What is known about the present process. A new process has a new object, so it inherits nothing old."""

    pid: int | None = None
    start_ticks: int | None = None
    port: int | None = None
    slots_total: int = 0
    relaying: int = 0
    """Inferences relayed to it now. Every request comes through the hive, so these are its busy slots."""
    served_before: int | None = 0
    """What it had served before this hive relayed to it; None until an adopted worker has reported it."""
    served_here: int = 0
    """Inferences that this hive relayed to their end."""
    served_leased: int = 0
    """Its own count, as of its last lease."""
    load_progress: float = 0.0
    leased_at_ms: float | None = None
    probes_well: bool = True
    announced_draining: bool = False
    down_until_ms: float = 0.0
    """The end of the cool-down after a connection that was refused or broke."""
    active_at_ms: float = 0.0
    """The last sign of work, or the time when it became ready: idle time counts from here."""

    def idle_left_ms(self, idle_stop_ms: int, *, now_ms: float) -> float:
        """Return how much of its idle time is left; at or below 0 it may be stopped. A busy worker has all left."""
        if self.relaying:
            self.active_at_ms = now_ms
        return self.active_at_ms + idle_stop_ms - now_ms

    @property
    def served_total(self) -> int:
        """Inferences served by this process. Its own count is as old as its last lease, the hive's is current."""
        return max((self.served_before or 0) + self.served_here, self.served_leased)


@dataclass(slots=True)
class WorkerFacts:
    """One worker's row, before it is shown."""

    spec: WorkerSpec
    state: WorkerState = WorkerState.STARTING
    reason: str | None = None
    detail: str | None = None
    restarts: int = 0
    device: str | None = None
    """The device of its present process."""
    shortage: Shortage | None = None
    """What was insufficient, when that is why it rests."""
    process: ProcessFacts | None = None
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Assigned by the hive: that of the present process, else of the last one, else of the first to come."""

    def begin(self, *, pid: int | None = None) -> ProcessFacts:
        """Begin a process: nothing that was known about the previous one holds for it."""
        self.state, self.reason, self.detail, self.shortage = WorkerState.STARTING, None, None, None
        self.process = ProcessFacts(pid=pid)
        return self.process

    def rest(self, state: WorkerState, reason: str | None, detail: str | None = None) -> None:
        """Enter a state without a process, for a reason."""
        self.state, self.reason, self.detail = state, reason, detail
        self.process = self.device = None

    def take_lease(self, lease: WorkerLease, *, now_ms: float, lease_ms: int, stop_asked: bool) -> bool:
        """Take what the present process reports about itself, and return whether the queen must know of it.

        It must when the state or the port changed, or when the previous lease had expired. The caller has checked that
        the lease is the present process's own. States only advance, so a lease that the network delivered late cannot
        take a ready worker back to loading.
        """
        process = self.process
        assert process is not None, "a lease is taken for a process"
        before = (self.state, process.port, process.slots_total, process.announced_draining)
        lapsed = process.leased_at_ms is not None and now_ms - process.leased_at_ms > lease_ms
        process.leased_at_ms = now_ms
        # A health check or a lease is not work: only a busy slot or a served request is.
        if lease.slots_busy or lease.served_total > process.served_leased or self.state is not WorkerState.READY:
            process.active_at_ms = now_ms
        process.port = lease.port if lease.port is not None else process.port
        process.slots_total = lease.slots_total
        process.served_leased = max(process.served_leased, lease.served_total)
        if process.served_before is None:  # an adopted worker's first lease: the rest of its count is older
            process.served_before = max(0, lease.served_total - process.served_here)
        process.load_progress = max(process.load_progress, lease.load_progress)
        process.announced_draining |= lease.state is WorkerState.DRAINING
        if advances(self.state, lease.state):
            self.state = lease.state
            if not stop_asked:  # else the row keeps saying why the worker stops
                self.reason = None
        return lapsed or before != (self.state, process.port, process.slots_total, process.announced_draining)

    def health_fault(self, *, now_ms: float, lease_ms: int) -> Reason | None:
        """Return why a live worker must not be routed to now, or None when it may be."""
        process = self.process
        if process is None or process.leased_at_ms is None:
            return None
        if not process.probes_well:
            return Reason.UNHEALTHY
        if now_ms - process.leased_at_ms > lease_ms:
            return Reason.LEASE_EXPIRED
        return None

    def serving(self, *, now_ms: float, lease_ms: int) -> ProcessFacts | None:
        """Return the present process when inference may be relayed to it: ready, leased, healthy, not marked down."""
        process = self.process
        if process is None or self.state is not WorkerState.READY or now_ms < process.down_until_ms:
            return None
        return process if self.health_fault(now_ms=now_ms, lease_ms=lease_ms) is None else None

    def row(self, *, now_ms: float, lease_ms: int) -> WorkerRow:
        """Return the row as it is now; without a process its fields are null."""
        process = self.process
        fault = self.health_fault(now_ms=now_ms, lease_ms=lease_ms)
        return WorkerRow(
            id=self.spec.id,
            instance=self.instance,
            state=self.state,
            reason=fault if fault is not None and self.reason is None else self.reason,
            detail=self.detail,
            healthy=fault is None,
            model=self.spec.model,
            pid=process.pid if process else None,
            start_ticks=process.start_ticks if process else None,
            port=process.port if process else None,
            slots_total=process.slots_total if process else 0,
            slots_busy=process.relaying if process else 0,
            served_total=process.served_total if process else 0,
            restarts=self.restarts,
            device=self.device,
            memory_limit_bytes=self.spec.memory_limit_bytes,
            shortage=self.shortage,
            restart_policy=self.spec.restart.value,
            load_progress=process.load_progress if process else 0.0,
        )

    def stored(self, *, spawned: bool, stopping: bool) -> StoredWorker:
        """Return the row for the disk; `spawned` from just before the process is started until it has ended."""
        spec, process = self.spec, self.process if spawned else None
        return StoredWorker(
            id=spec.id,
            model=spec.model,
            slots=spec.slots,
            restart=spec.restart,
            token_interval_ms=spec.token_interval_ms,
            state=self.state,
            reason=self.reason,
            detail=self.detail,
            restarts=self.restarts,
            stopping=stopping,
            instance=self.instance,
            spawned=spawned,
            pid=process.pid if process else None,
            start_ticks=process.start_ticks if process else None,
            boot_id=boot_id() if process else None,
            port=process.port if process else None,
            memory_limit_bytes=spec.memory_limit_bytes,
            shortage=self.shortage.model_dump_json() if self.shortage else None,
        )
