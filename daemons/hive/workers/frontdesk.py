"""What others may ask of the owner of a worker, or tell it: each leaves a note, and the owner looks at its notes.

Here nothing is decided, and nothing awaited but a place in memory before the worker lives: that is the supervisor.
"""

from __future__ import annotations

from dataclasses import replace

from daemons.common.logs import log
from daemons.common.wire import WorkerLease, WorkerRow, WorkerState
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.store import StoredWorker
from daemons.hive.workers.claim import Claim
from daemons.hive.workers.facts import ProcessFacts, WorkerFacts, WorkerSpec, now_ms
from daemons.hive.workers.lodging import Lodging
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.restart import RestartRules, RestartTracker
from daemons.hive.workers.states import RESTING, KillReason, Reason
from daemons.hive.workers.surroundings import Surroundings, Wishes


class FrontDesk:
    """The facts and the notes of one worker; `stored` is given when an earlier hive had written its row."""

    def __init__(self, spec: WorkerSpec, hive: Surroundings, stored: StoredWorker | None = None) -> None:
        self.facts = WorkerFacts(spec)
        self.board = Noticeboard()
        self._hive = hive
        self._stored = stored
        self._wishes = Wishes()
        self._tracker = RestartTracker(RestartRules.of(hive.durations))
        self._process: WorkerProcess | None = None
        self._claim: Claim | None = None
        self._lodging = Lodging(hive.places, self.facts)
        self._spawning = False
        self._last: tuple[WorkerProcess, KillReason | None] | None = None
        self.settled = stored is None
        """Whether it is known what became of the process of an earlier hive (at once, when there was none)."""
        if stored is not None:
            facts = self.facts
            facts.restarts, facts.instance = stored.restarts, stored.instance
            resting = stored.state in RESTING
            state, reason = (stored.state, stored.reason) if resting else (WorkerState.STARTING, Reason.ADOPTING)
            facts.rest(state, reason, stored.detail)
            facts.shortage = stored.shortage_found

    @property
    def id(self) -> str:
        """The worker's id."""
        return self.facts.spec.id

    def row(self) -> WorkerRow:
        """The row as it is now."""
        return self.facts.row(now_ms=now_ms(), lease_ms=self._hive.durations.lease_ms)

    def serving(self) -> ProcessFacts | None:
        """The present process, when inference may be relayed to it now; else None."""
        if self._wishes.end:
            return None
        return self.facts.serving(now_ms=now_ms(), lease_ms=self._hive.durations.lease_ms)

    def served(self, process: ProcessFacts) -> None:
        """An inference was relayed to `process` to its end: it works, so its restarts are forgotten."""
        process.served_here += 1
        if process is self.facts.process:
            self._tracker.clear()

    def mark_down(self, process: ProcessFacts) -> None:
        """A connection to `process` was refused or broke: leave it alone for `mark_down_ms`."""
        process.down_until_ms = now_ms() + self._hive.durations.mark_down_ms

    def lease(self, lease: WorkerLease) -> bool:
        """Take a worker's lease. False when it is not the present process's: that worker is to end itself."""
        if self._claim is not None:
            taken = self._claim.introduce(lease)
            self.board.changed()
            return taken
        process = self._process
        if process is None or process.ended or lease.instance != self.facts.instance:
            return False
        if (lease.pid, lease.start_ticks) != (process.pid, process.start_ticks):
            return False
        before = self.facts.state
        if self._take(lease):
            self._changed()
        else:
            self.board.changed()
        if before is not WorkerState.READY and self.facts.state is WorkerState.READY:
            self._log("worker_ready", process)
        return True

    def _take(self, lease: WorkerLease) -> bool:
        lease_ms = self._hive.durations.lease_ms
        return self.facts.take_lease(lease, now_ms=now_ms(), lease_ms=lease_ms, stop_asked=self._wishes.end)

    def ask_stop(self, reason: Reason, *, force: bool) -> None:
        """Ask for the end of the process and of the row. `force` sends SIGKILL now, also into a stop under way."""
        self._wishes.stop = self._wishes.stop or reason
        self._wishes.force |= force
        self._drains(reason)

    def ask_restart(self) -> None:
        """Ask for a new process: after a stop in order, or at once where none runs."""
        if self._wishes.stop is None:
            self._wishes.restart = True
            self._tracker.clear()
            self._drains(Reason.RESTART_ASKED)

    async def find_place(self) -> None:
        """Find the place of the first start now, if the model is here. Raises ApiError 507 when it cannot fit."""
        model = self._hive.models.path_of(self.facts.spec.model)
        if model is not None:
            await self._lodging.find(model)

    async def give_place_back(self) -> None:
        """It is not going to live."""
        await self._lodging.give_back()

    def stored(self) -> StoredWorker:
        """The row as it is to be on disk."""
        stopping = self._wishes.stop is not None
        if self._stored is not None and not self.settled:
            return replace(self._stored, stopping=stopping or self._stored.stopping)  # the claim rests on this row
        return StoredWorker.of(self.facts, spawned=self._spawning or self._process is not None, stopping=stopping)

    def _drains(self, reason: Reason) -> None:
        """A stop was asked for: nothing is routed here from now on, and the row says so before the drain begins."""
        if self._process is not None or self._wishes.stop is not None:
            self.facts.state, self.facts.reason = WorkerState.DRAINING, reason
        self._changed()

    def _changed(self) -> None:
        self.board.changed()
        self._hive.changed()

    def _log(self, event: str, process: WorkerProcess) -> None:
        log.info(
            event,
            worker_id=self.id,
            worker_instance=self.facts.instance,
            pid=process.pid,
            start_ticks=process.start_ticks,
            restarts=self.facts.restarts,
        )
