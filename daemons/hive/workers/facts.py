"""What a hive knows of one worker: plain fields, changed by its supervisor alone, and drawn as a row."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from daemons.common.wire import Shortage, WorkerLease, WorkerRow, WorkerState
from daemons.hive.workers.states import Reason, RestartWhen, advances


def now_ms() -> float:
    """The clock of all these facts: monotonic, in milliseconds."""
    return time.monotonic() * 1000


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What was asked for; it never changes while the row lives."""

    id: str
    model: str
    slots: int
    restart: RestartWhen
    token_interval_ms: int
    memory_limit_bytes: int | None = None


@dataclass(slots=True)
class ProcessFacts:
    """What is known of the present process; a new process starts with a new object, so nothing old sticks to it."""

    pid: int | None = None
    start_ticks: int | None = None
    port: int | None = None
    slots_total: int = 0
    relaying: int = 0
    """Inferences relayed to it at this moment: the hive is the only way in, so these are its busy slots."""
    served_before: int | None = 0
    """What it had served before this hive relayed to it; None while an adopted worker has not said so yet."""
    served_here: int = 0
    """Inferences that this hive relayed to it, to their end."""
    served_leased: int = 0
    """Its own count, as of its last lease."""
    load_progress: float = 0.0
    leased_at_ms: float | None = None
    probes_well: bool = True
    announced_draining: bool = False
    down_until_ms: float = 0.0
    """The end of the cool-down after a connection that was refused or broke."""
    active_at_ms: float = 0.0
    """The last sign of work, or the moment when it began to be ready: idleness counts from here."""

    def idle_left_ms(self, idle_stop_ms: int, *, now_ms: float) -> float:
        """Return how much of its idle time is left; at or below 0 it may be stopped. A busy worker has all of it."""
        if self.relaying:
            self.active_at_ms = now_ms
        return self.active_at_ms + idle_stop_ms - now_ms

    @property
    def served_total(self) -> int:
        """Inferences served by this process. Its own count is as old as its last lease, the hive's is not."""
        return max((self.served_before or 0) + self.served_here, self.served_leased)


@dataclass(slots=True)
class WorkerFacts:
    """One row in the making."""

    spec: WorkerSpec
    state: WorkerState = WorkerState.STARTING
    reason: str | None = None
    detail: str | None = None
    restarts: int = 0
    device: str | None = None
    """What its present process computes on."""
    shortage: Shortage | None = None
    """What there was too little of, when that is why it rests."""
    process: ProcessFacts | None = None
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Given by the hive: that of the present process, or of the last, or of the one that is to come first."""

    def begin(self, *, pid: int | None = None) -> ProcessFacts:
        """A process begins: nothing that was said about the one before holds for it."""
        self.state, self.reason, self.detail, self.shortage = WorkerState.STARTING, None, None, None
        self.process = ProcessFacts(pid=pid)
        return self.process

    def rest(self, state: WorkerState, reason: str | None, detail: str | None = None) -> None:
        """There is no process any more (or not yet): say why."""
        self.state, self.reason, self.detail = state, reason, detail
        self.process = self.device = None

    def take_lease(self, lease: WorkerLease, *, now_ms: float, lease_ms: int, stop_asked: bool) -> bool:
        """Note what the present process says about itself. Returns whether that is news: its state or port changed, or
        its lease had run out until now.

        The caller has checked that the lease is the present process's own. States only advance, so a lease that
        the network delivered late cannot take a ready worker back to loading.
        """
        process = self.process
        assert process is not None, "a lease is taken for a process"
        before = (self.state, process.port, process.slots_total, process.announced_draining)
        lapsed = process.leased_at_ms is not None and now_ms - process.leased_at_ms > lease_ms
        process.leased_at_ms = now_ms
        # A health check or a lease as such is no work: only a taken slot or a served request is.
        if lease.slots_busy or lease.served_total > process.served_leased or self.state is not WorkerState.READY:
            process.active_at_ms = now_ms
        process.port = lease.port if lease.port is not None else process.port
        process.slots_total = lease.slots_total
        process.served_leased = max(process.served_leased, lease.served_total)
        if process.served_before is None:
            process.served_before = max(0, lease.served_total - process.served_here)
        process.load_progress = max(process.load_progress, lease.load_progress)
        process.announced_draining |= lease.state is WorkerState.DRAINING
        if advances(self.state, lease.state):
            self.state = lease.state
            if not stop_asked:
                self.reason = None
        return lapsed or before != (self.state, process.port, process.slots_total, process.announced_draining)

    def health_fault(self, *, now_ms: float, lease_ms: int) -> Reason | None:
        """Why a live worker must not be routed to at present, or None when nothing speaks against it."""
        process = self.process
        if process is None or process.leased_at_ms is None:
            return None
        if not process.probes_well:
            return Reason.UNHEALTHY
        if now_ms - process.leased_at_ms > lease_ms:
            return Reason.LEASE_EXPIRED
        return None

    def serving(self, *, now_ms: float, lease_ms: int) -> ProcessFacts | None:
        """The present process when inference may be relayed to it: ready, leased, probed well, not marked down."""
        process = self.process
        if process is None or self.state is not WorkerState.READY or now_ms < process.down_until_ms:
            return None
        return process if self.health_fault(now_ms=now_ms, lease_ms=lease_ms) is None else None

    def row(self, *, now_ms: float, lease_ms: int) -> WorkerRow:
        """The row as it is at this moment; a missing process shows as nulls."""
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
