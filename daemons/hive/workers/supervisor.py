"""The one owner of one worker: starts it, watches it, starts it again or lets it rest, and ends it.

A supervisor is a single task that walks through the life of its row, top to bottom in `run`. Others only leave it a
note (`lease`, `ask_stop`, `ask_restart`, a probe's result, the kernel's word that the process ended) and it looks at
its notes when one comes. So every decision about a worker is made in one place, on facts that nobody else changes.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import Departure, WorkerLease, WorkerState
from daemons.hive.store import StoredWorker
from daemons.hive.workers.adoption import Adoption
from daemons.hive.workers.attendance import Attendance, log_kill
from daemons.hive.workers.claim import Claim
from daemons.hive.workers.facts import now_ms
from daemons.hive.workers.frontdesk import FrontDesk
from daemons.hive.workers.launcher import is_wrong_command
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.pulling import pull_model
from daemons.hive.workers.restart import Ending, Rest, RestartAfter
from daemons.hive.workers.states import KillReason, Reason
from daemons.hive.workers.stopping import kill_worker
from daemons.hive.workers.takeover import settle_claim

Step = WorkerProcess | RestartAfter | Rest
"""What comes next in the life of a row: a process to attend to, a pause before the next one, or rest."""


class Supervisor(FrontDesk):
    """The owner of the row of its `spec`."""

    async def run(self) -> Departure:
        """Live until the row is to go; returns how it went."""
        step = await (self._start() if self._stored is None else self._take_back(self._stored))
        while True:
            if isinstance(step, WorkerProcess):
                step = await self._attend(step)
            if not await self._pause(step):
                return self._departure()
            step = await self._start()

    async def broken(self) -> Departure:
        """What is left to do when `run` failed: show it, and when asked end what may still run."""
        self.facts.state, self.facts.reason = WorkerState.FAILED, Reason.INTERNAL
        self._changed()
        await self.board.until(lambda: self._wishes.stop is not None)
        if self._process is not None:
            forced = KillReason.FORCED
            await kill_worker(self._process, self.board, forced, on_kill=partial(log_kill, self.id, self._process))
        await self._lodging.give_back()
        return self._departure()

    async def _start(self) -> Step:
        """Get the model, write the row, start the process, write the row again with its PID."""
        spec, facts = self.facts.spec, self.facts
        model: Path | Rest | None = self._hive.models.path_of(spec.model)
        if model is None:
            facts.rest(WorkerState.STARTING, Reason.PULLING)
            self._changed()
            model = await pull_model(spec.model, self._hive.models, self.board, lambda: self._wishes.stop is not None)
        if isinstance(model, Rest):
            return model
        try:
            place = await self._lodging.find(model)
        except ApiError as error:
            short = error.code is ErrorCode.OUT_OF_MEMORY
            reason = Reason.OUT_OF_MEMORY if short else Reason.CANNOT_START
            return Rest(WorkerState.FAILED, reason, error.message)
        self._spawning = True
        await self._hive.save(self.stored())
        try:
            if self._wishes.stop is not None:
                return Rest(WorkerState.STOPPED, Reason.STOP_ASKED)
            process = self._hive.launcher.launch(spec, facts.instance, model, place)
        except OSError as error:
            log.error("worker_not_started", worker_id=spec.id, error=error.strerror)
            if is_wrong_command(error):
                return Rest(WorkerState.FAILED, Reason.CANNOT_START, error.strerror)
            return self._next(Ending(exit_status=1, signal=None), f"not started: {error.strerror}")
        finally:
            self._spawning = False
        self._begin(process)
        self._log("worker_started", process)
        await self._hive.save(self.stored())
        await self._lodging.begun(process)
        return process

    async def _take_back(self, stored: StoredWorker) -> Step:
        """Do with the row of an earlier hive what the judgement says."""
        claim = self._claim = Claim(stored, self._hive.files.config_path(self.id))
        verdict = await settle_claim(claim, stored, self._wishes, self.board, self._hive)
        if verdict is not Adoption.START:
            # Meanwhile the claim still answers its leases: a 410 would end a worker that is about to be adopted.
            await self._lodging.recall(self._hive.models.path_of(self.facts.spec.model))
        self._claim, self.settled = None, True
        log.info("worker_judged", worker_id=self.id, verdict=verdict.name.lower(), pid=stored.pid)
        process = claim.process
        if verdict is Adoption.START:
            return await self._start()
        if verdict is Adoption.ADOPT or (verdict is Adoption.KILL and self._wishes.stop is not None):
            assert process is not None, "a proof is a proof about a process"
            self._adopt(process, stored, claim.lease)
            self.facts.device = self._lodging.device
            return process
        if verdict is Adoption.KILL:
            assert process is not None, "what is killed is there"
            await kill_worker(
                process, self.board, KillReason.ADOPTION_UNPROVEN, on_kill=partial(log_kill, self.id, process)
            )
        if verdict is Adoption.REMOVE:
            self._wishes.stop = self._wishes.stop or Reason.STOP_ASKED
        if verdict is Adoption.RESTORE:
            return Rest(stored.state, Reason(stored.reason or Reason.EXITED), stored.detail)
        ending = Ending(None, None, announced_draining=stored.state is WorkerState.DRAINING)
        lines = self._hive.files.last_lines(self.id, since=0)
        if verdict is Adoption.CRASHED and self._lodging.judge(ending, stored.pid, None, lines):
            ending = replace(ending, out_of_memory=True)
        return self._next(ending, "it ended while no hive was there to see how")

    def _adopt(self, process: WorkerProcess, stored: StoredWorker, lease: WorkerLease | None) -> None:
        self._begin(process)
        facts = self.facts.process
        assert facts is not None, "it has just begun"
        facts.port, facts.slots_total, facts.served_before = stored.port, stored.slots, None
        facts.leased_at_ms = now_ms()  # it has until the end of a lease to find this hive
        if stored.state in (WorkerState.LOADING, WorkerState.READY):
            self.facts.state = stored.state
            facts.load_progress = 1.0 if stored.state is WorkerState.READY else 0.0
        if lease is not None:
            self._take(lease)
        if stored.stopping:
            self.ask_stop(Reason.STOP_ASKED, force=False)
        self._log("worker_adopted", process)
        self._changed()

    def _begin(self, process: WorkerProcess) -> None:
        """From here on `process` is the present one. No await between its start and this."""
        facts = self.facts.begin(pid=process.pid)
        facts.start_ticks = process.start_ticks
        self._process = process
        process.watch(self.board.changed)
        self._changed()

    async def _attend(self, process: WorkerProcess) -> RestartAfter | Rest:
        attendance = Attendance(
            process,
            lodging=self._lodging,
            facts=self.facts,
            wishes=self._wishes,
            board=self.board,
            hive=self._hive,
        )
        ending = await attendance.run()
        self._process, self._last = None, (process, attendance.killed)
        words = None if ending.clean else self._hive.files.last_words(attendance.last_lines())
        words = words or self._lodging.in_words()
        return self._next(ending, f"{ending}: {words}" if words else str(ending))

    def _next(self, ending: Ending, detail: str) -> RestartAfter | Rest:
        """What follows an ending: what was wished, or what the restart policy says."""
        if self._wishes.end:
            return RestartAfter(0)
        decision = self._tracker.decide(
            self.facts.spec.restart,
            ending,
            now_ms=now_ms(),
            jitter=random.random(),  # noqa: S311 spreads restarts, guards nothing
        )
        if isinstance(decision, RestartAfter):
            self.facts.detail = detail
            return decision
        return Rest(decision.state, decision.reason, detail)

    async def _pause(self, step: RestartAfter | Rest) -> bool:
        """Wait for what comes next. True: start a process. False: the row is to go."""
        facts, wishes = self.facts, self._wishes
        if isinstance(step, Rest):
            facts.rest(step.state, step.reason, step.detail)
            log.info("worker_rests", worker_id=self.id, state=step.state, reason=step.reason, detail=step.detail)
        elif wishes.stop is None:
            facts.rest(
                WorkerState.STARTING, Reason.RESTART_ASKED if wishes.restart else Reason.BACKING_OFF, facts.detail
            )
        self._changed()
        await self._lodging.give_back()
        await self.board.until(lambda: wishes.end, within_ms=step.delay_ms if isinstance(step, RestartAfter) else None)
        if wishes.stop is not None:
            return False
        wishes.restart = wishes.force = False
        facts.instance = str(uuid.uuid4())  # a late word about the old process must not touch the new one
        facts.restarts += 1
        self._hive.restarts.inc()
        return True

    def _departure(self) -> Departure:
        """How the row went, and how its last process had ended."""
        process, killed = self._last or (None, None)
        return Departure(
            id=self.id,
            instance=self.facts.instance,
            pid=process.pid if process else None,
            exit_status=process.exit_status if process else None,
            signal=process.signal if process else None,
            reason=killed or self._wishes.stop or Reason.STOP_ASKED,
            forced=killed is not None,
        )
