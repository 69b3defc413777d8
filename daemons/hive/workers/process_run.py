"""One run of one worker process, from its start or adoption to its end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import replace

from daemons.common.logs import log
from daemons.common.wire import WorkerState
from daemons.hive.changes import Changes
from daemons.hive.ending import Ending
from daemons.hive.memory.watchdog import watch
from daemons.hive.states import KillReason, Reason
from daemons.hive.workers.context import PendingRequests, SupervisorContext
from daemons.hive.workers.facts import WorkerFacts, now_ms
from daemons.hive.workers.placement import Placement
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.stopping import end_worker, kill_worker

_LAST_LINES = 10
"""How many of a worker's last log lines the hive's log repeats: the end of a traceback, or a reason."""


class ProcessRun:
    """Holds one process to its time and memory bounds, and ends it when that is requested."""

    def __init__(
        self,
        process: WorkerProcess,
        *,
        placement: Placement,
        facts: WorkerFacts,
        requests: PendingRequests,
        changes: Changes,
        context: SupervisorContext,
    ) -> None:
        self.process = process
        self.killed: KillReason | None = None
        """Why the hive killed the process, if it did."""
        self._placement = placement
        self._saw_bytes: int | None = None
        self._facts = facts
        self._requests = requests
        self._changes = changes
        self._context = context
        self._began = time.monotonic()

    async def run(self) -> Ending:
        """Supervise the process until it has ended; the end is logged and counted."""
        facts = self._facts.process
        assert facts is not None, "the facts of a process begin before its run"
        # These watch every phase of the process: it can hang, or exceed its memory limit, in each.
        watchers = [
            asyncio.create_task(self._context.prober.watch(lambda: facts.port, self._facts.instance, self._probed)),
            *self._watchdog(),
        ]
        try:
            if await self._starts_up():
                await self._serves()
                await self._end()
            else:
                await kill_worker(self.process, self._changes, KillReason.START_UP_TIMEOUT, on_kill=self._killing)
        finally:
            for task in watchers:
                task.cancel()
        return self._ended(announced_draining=facts.announced_draining)

    def last_lines(self, count: int = _LAST_LINES) -> list[str]:
        """Return the last lines that this process wrote."""
        return self._context.files.last_lines(self._facts.spec.id, since=self.process.log_begins, count=count)

    async def _starts_up(self) -> bool:
        """Wait for the ready call, or for a reason not to. Return False when it did not come in time.

        The bound is short for a worker that reports nothing, and long for one that reports load progress.
        """
        durations = self._context.durations

        def over() -> bool:
            started = self._facts.state in (WorkerState.READY, WorkerState.DRAINING)
            return self.process.ended or self._requests.end or started

        def progresses() -> bool:
            return self._facts.process is not None and self._facts.process.load_progress > 0

        # Both bounds count from the start of the process, so progress extends the time that is left.
        if await self._changes.until(lambda: over() or progresses(), within_ms=self._left_ms(durations.start_up_ms)):
            return await self._changes.until(over, within_ms=self._left_ms(durations.start_up_loading_ms))
        return False

    async def _serves(self) -> None:
        """Wait until the process has ended or is to end, which an idle one is after its idle time."""
        idle_ms = self._context.durations.idle_stop_ms
        facts = self._facts.process
        assert facts is not None, "the facts of a process last as long as its run"
        facts.active_at_ms = max(facts.active_at_ms, now_ms())  # idle time counts from ready, not from the start

        def over() -> bool:
            return self.process.ended or self._requests.end

        while not await self._changes.until(over, within_ms=facts.idle_left_ms(idle_ms, now_ms=now_ms())):
            # Asked again: work that came during the wait has moved the end of the idle time.
            if facts.idle_left_ms(idle_ms, now_ms=now_ms()) <= 0:
                self._requests.stop = Reason.IDLE
                self._facts.state, self._facts.reason = WorkerState.DRAINING, Reason.IDLE
                self._context.changed()

    def _left_ms(self, bound_ms: int) -> float:
        return bound_ms - (time.monotonic() - self._began) * 1000

    async def _end(self) -> None:
        """End the process as requested; return when it has ended, at once if it has already."""
        if self.process.ended:
            return
        if not self._requests.force and self._requests.stop is not Reason.HIVE_STOPPING:
            await self._context.announce()  # the queen stops routing here before the drain begins, not after
        facts = self._facts.process
        assert facts is not None, "the facts of a process last as long as its run"
        await end_worker(
            self.process,
            self._changes,
            self._context.durations,
            drain_announced=lambda: facts.announced_draining,
            forced=lambda: self._requests.force,
            on_kill=self._killing,
        )

    def _killing(self, why: KillReason) -> None:
        self.killed = why
        log_kill(self._facts.spec.id, self.process, why, last_lines=self.last_lines())

    def _watchdog(self) -> list[asyncio.Task[None]]:
        limit = self._placement.allocation.watched
        if limit is None:
            return []
        every_ms = self._context.durations.memory_watch_ms
        return [asyncio.create_task(watch(self.process.pid, limit, every_ms, self._over_limit))]

    def _over_limit(self, saw_bytes: int) -> None:
        if self.process.alive():  # else another process may have had its PID when it was measured
            self._saw_bytes = saw_bytes
            self._killing(KillReason.OUT_OF_MEMORY)
            self.process.send(signal.SIGKILL)

    def _probed(self, well: bool) -> None:  # noqa: FBT001 a callback with one result
        facts = self._facts.process
        if facts is None or facts.probes_well == well:
            return
        facts.probes_well = well
        event = "worker_healthy" if well else "worker_unhealthy"
        log.warning(event, worker_id=self._facts.spec.id, pid=self.process.pid)
        self._changes.notify()
        self._context.changed()

    def _ended(self, *, announced_draining: bool) -> Ending:
        process = self.process
        ending = Ending(
            exit_status=process.exit_status,
            signal=process.signal,
            announced_draining=announced_draining,
            start_up_timed_out=self.killed is KillReason.START_UP_TIMEOUT,
        )
        # A process that ran out of memory looks like any other crash: the proof decides about a restart.
        if self._placement.judge(ending, process.pid, self._saw_bytes, self.last_lines()):
            ending = replace(ending, out_of_memory=True)
        asked = self._requests.end
        self._context.exits.labels(str(ending.how)).inc()
        write = log.info if asked or ending.clean else log.warning
        write(
            "worker_exited",
            worker_id=self._facts.spec.id,
            worker_instance=self._facts.instance,
            pid=process.pid,
            start_ticks=process.start_ticks,
            exit_status=process.exit_status,
            signal=process.signal,
            asked=asked,
            killed=None if self.killed is None else str(self.killed),
            adopted=process.adopted,
            last_lines=[] if asked or ending.clean else self.last_lines(),
        )
        return ending


def log_kill(worker_id: str, process: WorkerProcess, why: KillReason, last_lines: Sequence[str] = ()) -> None:
    """Log that the hive is about to send SIGKILL, to which process and why."""
    log.warning(
        "worker_killed",
        worker_id=worker_id,
        pid=process.pid,
        start_ticks=process.start_ticks,
        reason=why,
        signal="SIGKILL",
        last_lines=list(last_lines),
    )
