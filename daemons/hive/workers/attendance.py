"""One process of a worker, from its start or adoption to its end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import replace

from daemons.common.logs import log
from daemons.common.wire import WorkerState
from daemons.hive.memory.watchdog import watch
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.workers.facts import WorkerFacts, now_ms
from daemons.hive.workers.lodging import Lodging
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.restart import Ending, how_ended
from daemons.hive.workers.states import KillReason, Reason
from daemons.hive.workers.stopping import end_worker, kill_worker
from daemons.hive.workers.surroundings import Surroundings, Wishes

_LAST_LINES = 10
"""How many of a worker's last log lines are repeated in the hive's log: a traceback's end, or a reason."""


class Attendance:
    """Holds one process to its bounds, and to what is wished of it. `killed` says why the hive killed it, if it did."""

    def __init__(
        self,
        process: WorkerProcess,
        *,
        lodging: Lodging,
        facts: WorkerFacts,
        wishes: Wishes,
        board: Noticeboard,
        hive: Surroundings,
    ) -> None:
        self.process = process
        self.killed: KillReason | None = None
        self._lodging = lodging
        self._saw_bytes: int | None = None
        self._facts = facts
        self._wishes = wishes
        self._board = board
        self._hive = hive
        self._began = time.monotonic()

    async def run(self) -> Ending:
        """Attend to the process until it has ended; it is logged and counted then."""
        facts = self._facts.process
        assert facts is not None, "a process is attended to once its facts have begun"
        beside = [
            asyncio.create_task(self._hive.prober.watch(lambda: facts.port, self._facts.instance, self._probed)),
            *self._watchdog(),
        ]
        try:
            if await self._starts_up():
                await self._serves()
                await self._end()
            else:
                await self._kill(KillReason.START_UP_TIMEOUT)
        finally:
            for task in beside:
                task.cancel()
        return self._ended(announced_draining=facts.announced_draining)

    def last_lines(self, count: int = _LAST_LINES) -> list[str]:
        """The last lines that this process wrote."""
        return self._hive.files.last_lines(self._facts.spec.id, since=self.process.log_begins, count=count)

    async def _starts_up(self) -> bool:
        """Wait for the ready call, or for a reason not to. False when it did not come within its bound.

        A worker that reports load progress lives and works; one that is silent has the short bound.
        """
        durations = self._hive.durations

        def over() -> bool:
            spoke = self._facts.state in (WorkerState.READY, WorkerState.DRAINING)
            return self.process.ended or self._wishes.end or spoke

        def progresses() -> bool:
            return self._facts.process is not None and self._facts.process.load_progress > 0

        if await self._board.until(lambda: over() or progresses(), within_ms=self._left_ms(durations.start_up_ms)):
            return await self._board.until(over, within_ms=self._left_ms(durations.start_up_loading_ms))
        return False

    async def _serves(self) -> None:
        """Wait until the process has ended or is to end; one that was idle for its time is to end."""
        idle_ms = self._hive.durations.idle_stop_ms
        facts = self._facts.process
        assert facts is not None, "the facts of a process last as long as its attendance"
        facts.active_at_ms = max(facts.active_at_ms, now_ms())  # being ready is where idleness begins

        def over() -> bool:
            return self.process.ended or self._wishes.end

        while not await self._board.until(over, within_ms=facts.idle_left_ms(idle_ms, now_ms=now_ms())):
            if facts.idle_left_ms(idle_ms, now_ms=now_ms()) <= 0:
                self._wishes.stop = Reason.IDLE
                self._facts.state, self._facts.reason = WorkerState.DRAINING, Reason.IDLE
                self._hive.changed()

    def _left_ms(self, bound_ms: int) -> float:
        return bound_ms - (time.monotonic() - self._began) * 1000

    async def _end(self) -> None:
        """End the process as it is wished; returns when it has ended, at once if it has already."""
        if self.process.ended:
            return
        if not self._wishes.force and self._wishes.stop is not Reason.HIVE_STOPPING:
            await self._hive.announce()  # the tier above stops routing here before the drain begins, not after
        facts = self._facts.process
        assert facts is not None, "the facts of a process last as long as its attendance"
        await end_worker(
            self.process,
            self._board,
            self._hive.durations,
            drain_announced=lambda: facts.announced_draining,
            forced=self._wishes.is_forced,
            on_kill=self._killing,
        )

    async def _kill(self, why: KillReason) -> None:
        await kill_worker(self.process, self._board, why, on_kill=self._killing)

    def _killing(self, why: KillReason) -> None:
        self.killed = why
        log_kill(self._facts.spec.id, self.process, why, last_lines=self.last_lines())

    def _watchdog(self) -> list[asyncio.Task[None]]:
        limit = self._lodging.place.watched
        if limit is None:
            return []
        every_ms = self._hive.durations.memory_watch_ms
        return [
            asyncio.create_task(watch(self.process.pid, limit, every_ms, self._over_limit, self._hive.places.measure))
        ]

    def _over_limit(self, saw_bytes: int) -> None:
        if self.process.alive():  # what was measured was this process, and no other that has its PID by now
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
        self._board.changed()
        self._hive.changed()

    def _ended(self, *, announced_draining: bool) -> Ending:
        process = self.process
        ending = Ending(
            exit_status=process.exit_status,
            signal=process.signal,
            announced_draining=announced_draining,
            start_up_timed_out=self.killed is KillReason.START_UP_TIMEOUT,
        )
        if self._lodging.judge(ending, process.pid, self._saw_bytes, self.last_lines()):
            ending = replace(ending, out_of_memory=True)
        asked = self._wishes.end
        self._hive.exits.labels(str(how_ended(ending))).inc()
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
    """Log that the hive is about to send SIGKILL, to whom and why."""
    log.warning(
        "worker_killed",
        worker_id=worker_id,
        pid=process.pid,
        start_ticks=process.start_ticks,
        reason=why,
        signal="SIGKILL",
        last_lines=list(last_lines),
    )
