"""The one owner of one worker: starts it, supervises it, restarts it or lets it rest, and ends it.

A supervisor is a single task that goes through the life of its row, top to bottom in `run`. Others only leave a
request or a fact (`lease`, `ask_stop`, `ask_restart`, a probe's result, the kernel's notice that the process ended)
and wake it. So every decision about a worker is made in one place, on facts that only its owner changes.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import Departure, WorkerLease, WorkerRow, WorkerState
from daemons.hive.changes import Changes
from daemons.hive.ending import Ending
from daemons.hive.states import RESTING, KillReason, Reason
from daemons.hive.store import StoredWorker
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.adoption import Adoption, Decision
from daemons.hive.workers.context import PendingRequests, SupervisorContext
from daemons.hive.workers.facts import ProcessFacts, WorkerFacts, now_ms
from daemons.hive.workers.launcher import is_wrong_command
from daemons.hive.workers.placement import Placement
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.process_run import ProcessRun, log_kill
from daemons.hive.workers.pulling import pull_model
from daemons.hive.workers.restart import Rest, RestartAfter, RestartRules, RestartTracker
from daemons.hive.workers.stopping import kill_worker

Step = WorkerProcess | RestartAfter | Rest
"""What comes next for a row: a process to supervise, a pause before the next one, or rest."""


class Supervisor:
    """The owner of the row of its `spec`; `stored` is the row that an earlier hive wrote, if one did."""

    def __init__(self, spec: WorkerSpec, context: SupervisorContext, stored: StoredWorker | None = None) -> None:
        self.facts = WorkerFacts(spec)
        self.changes = Changes()
        self._context = context
        self._stored = stored
        self._requests = PendingRequests()
        self._tracker = RestartTracker(RestartRules.of(context.durations))
        self._process: WorkerProcess | None = None
        self._adoption: Adoption | None = None
        self._placement = Placement(context.allocator, self.facts)
        self._spawning = False
        self._last: tuple[WorkerProcess, KillReason | None] | None = None
        self.settled = stored is None
        """Whether it is known what became of the process of an earlier hive; True when there was none."""
        if stored is not None:
            facts = self.facts
            facts.restarts, facts.instance = stored.restarts, stored.instance
            resting = stored.state in RESTING
            state, reason = (stored.state, stored.reason) if resting else (WorkerState.STARTING, Reason.ADOPTING)
            facts.rest(state, reason, stored.detail)
            facts.shortage = stored.shortage_found

    # What others may read, request or report. Nothing is decided here.

    @property
    def id(self) -> str:
        """The worker's id."""
        return self.facts.spec.id

    def row(self) -> WorkerRow:
        """Return the row as it is now."""
        return self.facts.row(now_ms=now_ms(), lease_ms=self._context.durations.lease_ms)

    def stored(self) -> StoredWorker:
        """Return the row as it is to be on disk."""
        stopping = self._requests.stop is not None
        if self._stored is not None and not self.settled:
            # The adoption is still judged by the row of the earlier hive: it must survive another kill of this one.
            return replace(self._stored, stopping=stopping or self._stored.stopping)
        return self.facts.stored(spawned=self._spawning or self._process is not None, stopping=stopping)

    def serving(self) -> ProcessFacts | None:
        """Return the present process when inference may be relayed to it now, else None."""
        if self._requests.end:
            return None
        return self.facts.serving(now_ms=now_ms(), lease_ms=self._context.durations.lease_ms)

    def served(self, process: ProcessFacts) -> None:
        """Count an inference that was relayed to its end; the worker works, so its restarts are forgotten."""
        process.served_here += 1
        if process is self.facts.process:
            self._tracker.clear()

    def mark_down(self, process: ProcessFacts) -> None:
        """Route nothing to `process` for `mark_down_ms`: a connection to it was refused or broke."""
        process.down_until_ms = now_ms() + self._context.durations.mark_down_ms

    def lease(self, lease: WorkerLease) -> bool:
        """Take a worker's lease. Return False when it is not the present process's: that worker is to end itself."""
        if self._adoption is not None:
            taken = self._adoption.introduce(lease)
            self.changes.notify()
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
            self.changes.notify()  # load progress is news to the run of the process, but not to the queen
        if before is not WorkerState.READY and self.facts.state is WorkerState.READY:
            self._log("worker_ready", process)
        return True

    def ask_stop(self, reason: Reason, *, force: bool) -> None:
        """Request the end of the process and of the row. `force` sends SIGKILL now, also during a stop."""
        self._requests.stop = self._requests.stop or reason
        self._requests.force |= force
        self._drains(reason)

    def ask_restart(self) -> None:
        """Request a new process: after a graceful stop, or at once where none runs."""
        if self._requests.stop is None:
            self._requests.restart = True
            self._tracker.clear()
            self._drains(Reason.RESTART_ASKED)

    async def allocate(self) -> None:
        """Allocate the memory of the first start now, if the model is here. Raises ApiError 507."""
        model = self._context.models.path_of(self.facts.spec.model)
        if model is not None:
            await self._placement.allocate(model)

    async def release(self) -> None:
        """Release the memory of a start that is not going to happen."""
        await self._placement.release()

    # The life of the row: the supervisor's own task.

    async def run(self) -> Departure:
        """Run until the row is to be removed; return how it departed."""
        step = await (self._start() if self._stored is None else self._adopt(self._stored))
        while True:
            if isinstance(step, WorkerProcess):
                step = await self._run_process(step)
            if not await self._pause(step):
                return self._departure()
            step = await self._start()

    async def broken(self) -> Departure:
        """Do what is left after `run` failed: show the failure, and kill the process once a stop is requested."""
        self.facts.state, self.facts.reason = WorkerState.FAILED, Reason.INTERNAL
        self._changed()
        await self.changes.until(self._stop_asked)
        if self._process is not None:
            await self._kill(self._process, KillReason.FORCED)
        await self._placement.release()
        return self._departure()

    async def _start(self) -> Step:
        """Get the model, write the row, start the process, write the row again with its PID."""
        spec, facts = self.facts.spec, self.facts
        model: Path | Rest | None = self._context.models.path_of(spec.model)
        if model is None:
            facts.rest(WorkerState.STARTING, Reason.PULLING)
            self._changed()
            model = await pull_model(spec.model, self._context.models, self.changes, self._stop_asked)
        if isinstance(model, Rest):
            return model
        try:
            allocation = await self._placement.allocate(model)
        except ApiError as error:
            insufficient = error.code is ErrorCode.OUT_OF_MEMORY
            reason = Reason.OUT_OF_MEMORY if insufficient else Reason.CANNOT_START
            return Rest(WorkerState.FAILED, reason, error.message)
        # The row names the instance before the process exists: a hive that dies in between can still be identified
        # to the next one by the worker's own lease.
        self._spawning = True
        await self._context.save(self.stored())
        try:
            if self._requests.stop is not None:  # it came while the row was written
                return Rest(WorkerState.STOPPED, Reason.STOP_ASKED)
            process = self._context.launcher.launch(spec, facts.instance, model, allocation)
        except OSError as error:
            log.error("worker_not_started", worker_id=spec.id, error=error.strerror)
            if is_wrong_command(error):
                return Rest(WorkerState.FAILED, Reason.CANNOT_START, error.strerror)
            # Out of processes or descriptors, say: it counts as a crash, so that the backoff applies.
            return self._next(Ending(exit_status=1, signal=None), f"not started: {error.strerror}")
        finally:
            self._spawning = False
        self._begin(process)
        self._log("worker_started", process)
        await self._context.save(self.stored())
        await self._placement.started(process)
        return process

    async def _adopt(self, stored: StoredWorker) -> Step:
        """Adopt the process of an earlier hive's row, or do what else is decided about that row."""
        adoption = self._adoption = Adoption(stored, self._context.files.config_path(self.id))
        decision = await adoption.settle(self.changes, self._context, self._stop_asked)
        if decision is not Decision.START:
            # The adoption still takes leases during this await: a 410 would end a worker that is about to be adopted.
            await self._placement.find(self._context.models.path_of(self.facts.spec.model))
        self._adoption, self.settled = None, True
        log.info("worker_judged", worker_id=self.id, verdict=decision.name.lower(), pid=stored.pid)
        process = adoption.process
        if decision is Decision.START:
            return await self._start()
        if decision is Decision.ADOPT or (decision is Decision.KILL and self._requests.stop is not None):
            assert process is not None, "a proof is about a process"
            self._take_over(process, stored, adoption.lease)
            return process
        if decision is Decision.KILL:
            assert process is not None, "only a process that is there is killed"
            await self._kill(process, KillReason.ADOPTION_UNPROVEN)
        if decision is Decision.REMOVE:
            self._requests.stop = self._requests.stop or Reason.STOP_ASKED
        if decision is Decision.RESTORE:
            return Rest(stored.state, Reason(stored.reason or Reason.EXITED), stored.detail)
        # Nobody saw it end: only its log, and the counter of its control group, still show why.
        ending = Ending(None, None, announced_draining=stored.state is WorkerState.DRAINING)
        lines = self._context.files.last_lines(self.id, since=0)
        if decision is Decision.CRASHED and self._placement.judge(ending, stored.pid, None, lines):
            ending = replace(ending, out_of_memory=True)
        return self._next(ending, "it ended while no hive was running")

    def _take_over(self, process: WorkerProcess, stored: StoredWorker, lease: WorkerLease | None) -> None:
        self._begin(process)
        facts = self.facts.process
        assert facts is not None, "it has just begun"
        facts.port, facts.slots_total, facts.served_before = stored.port, stored.slots, None
        facts.leased_at_ms = now_ms()  # as if it had just leased: it has `lease_ms` to find this hive
        if stored.state in (WorkerState.LOADING, WorkerState.READY):
            self.facts.state = stored.state
            facts.load_progress = 1.0 if stored.state is WorkerState.READY else 0.0
        if lease is not None:
            self._take(lease)
        if stored.stopping:
            self.ask_stop(Reason.STOP_ASKED, force=False)
        self.facts.device = self._placement.device
        self._log("worker_adopted", process)
        self._changed()

    def _begin(self, process: WorkerProcess) -> None:
        """Make `process` the present one. No await may lie between its start and this."""
        facts = self.facts.begin(pid=process.pid)
        facts.start_ticks = process.start_ticks
        self._process = process
        process.watch(self.changes.notify)
        self._changed()

    async def _run_process(self, process: WorkerProcess) -> RestartAfter | Rest:
        run = ProcessRun(
            process,
            placement=self._placement,
            facts=self.facts,
            requests=self._requests,
            changes=self.changes,
            context=self._context,
        )
        ending = await run.run()
        self._process, self._last = None, (process, run.killed)
        detail = None if ending.clean else self._context.files.last_message(run.last_lines())
        detail = detail or self._placement.describe_shortage()
        return self._next(ending, f"{ending}: {detail}" if detail else str(ending))

    def _next(self, ending: Ending, detail: str) -> RestartAfter | Rest:
        """Return what follows an ending: what was requested, or what the restart policy decides."""
        if self._requests.end:
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
        """Wait for what comes next. Return True to start a process, False when the row is to be removed."""
        facts, requests = self.facts, self._requests
        if isinstance(step, Rest):
            facts.rest(step.state, step.reason, step.detail)
            log.info("worker_rests", worker_id=self.id, state=step.state, reason=step.reason, detail=step.detail)
        elif requests.stop is None:
            reason = Reason.RESTART_ASKED if requests.restart else Reason.BACKING_OFF
            facts.rest(WorkerState.STARTING, reason, facts.detail)
        self._changed()
        await self._placement.release()
        delay_ms = step.delay_ms if isinstance(step, RestartAfter) else None
        await self.changes.until(lambda: requests.end, within_ms=delay_ms)
        if requests.stop is not None:
            return False
        requests.restart = requests.force = False
        facts.instance = str(uuid.uuid4())  # a late lease or probe of the old process must not touch the new one
        facts.restarts += 1
        self._context.restarts.inc()
        return True

    def _stop_asked(self) -> bool:
        return self._requests.stop is not None

    async def _kill(self, process: WorkerProcess, why: KillReason) -> None:
        await kill_worker(process, self.changes, why, on_kill=partial(log_kill, self.id, process))

    def _take(self, lease: WorkerLease) -> bool:
        lease_ms = self._context.durations.lease_ms
        return self.facts.take_lease(lease, now_ms=now_ms(), lease_ms=lease_ms, stop_asked=self._requests.end)

    def _drains(self, reason: Reason) -> None:
        """Show a requested stop in the row: nothing is routed here from now on, before the drain begins."""
        if self._process is not None or self._requests.stop is not None:
            self.facts.state, self.facts.reason = WorkerState.DRAINING, reason
        self._changed()

    def _departure(self) -> Departure:
        """Return how the row departed, and how its last process ended."""
        process, killed = self._last or (None, None)
        return Departure(
            id=self.id,
            instance=self.facts.instance,
            pid=process.pid if process else None,
            exit_status=process.exit_status if process else None,
            signal=process.signal if process else None,
            reason=killed or self._requests.stop or Reason.STOP_ASKED,
            forced=killed is not None,
        )

    def _changed(self) -> None:
        self.changes.notify()
        self._context.changed()

    def _log(self, event: str, process: WorkerProcess) -> None:
        log.info(
            event,
            worker_id=self.id,
            worker_instance=self.facts.instance,
            pid=process.pid,
            start_ticks=process.start_ticks,
            restarts=self.facts.restarts,
        )
