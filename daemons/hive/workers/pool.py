"""All supervised workers of a hive: by id, their spawn and stop, and those that departed."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import Departure, SpawnRequest
from daemons.hive.changes import Changes
from daemons.hive.config import Worker
from daemons.hive.states import Reason
from daemons.hive.store import StoredWorker
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.context import SupervisorContext
from daemons.hive.workers.row_writer import RowWriter
from daemons.hive.workers.supervisor import Supervisor

DEPARTED_KEPT: Final = 64
"""How many departures a lease carries: the queen sees each even when it missed dozens of leases."""


class WorkerPool:
    """The supervisors of this hive. An id is taken from the request of its spawn until its row is removed."""

    def __init__(self, context: SupervisorContext, defaults: Worker, row_writer: RowWriter) -> None:
        self.departed: deque[Departure] = deque(maxlen=DEPARTED_KEPT)
        self._context = context
        self.defaults = defaults
        """What a spawn request that leaves a field out gets; a reload may change it."""
        self._row_writer = row_writer
        self._supervisors: dict[str, Supervisor] = {}
        self._reserved: set[str] = set()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes = Changes()

    def __iter__(self) -> Iterator[Supervisor]:
        return iter(list(self._supervisors.values()))

    def find(self, worker_id: str) -> Supervisor | None:
        """Return the supervisor of a worker, or None."""
        return self._supervisors.get(worker_id)

    def get(self, worker_id: str) -> Supervisor:
        """Return the supervisor of a worker. Raises ApiError 404."""
        found = self.find(worker_id)
        if found is None:
            raise ApiError(ErrorCode.WORKER_NOT_FOUND, f"this hive has no worker {worker_id}")
        return found

    def uses(self, ref: str) -> bool:
        """Return whether any row is for this model, also at rest: it may be started again."""
        return any(supervisor.facts.spec.model == ref for supervisor in self)

    def reserve(self, worker_id: str | None) -> str:
        """Reserve an id for a spawn, a new one when None, and return it.

        Raises:
            ApiError: 409 when a row, or another pending spawn, has it.
        """
        if worker_id is None:
            worker_id = f"wrk-{uuid.uuid4().hex[:12]}"
        # No await lies between this check and the reservation, so two spawns cannot both pass.
        if worker_id in self._supervisors or worker_id in self._reserved:
            raise ApiError(ErrorCode.WORKER_EXISTS, f"this hive has a worker {worker_id} already")
        self._reserved.add(worker_id)
        return worker_id

    def release(self, worker_id: str) -> None:
        """Release a reserved id; does nothing once it has a row."""
        self._reserved.discard(worker_id)

    async def spawn(self, worker_id: str, asked: SpawnRequest) -> Supervisor:
        """Make the row of a reserved id, and return its supervisor, which runs.

        Raises:
            ApiError: 503 when the hive has begun to stop, 507 when its model is here and there is not enough memory.
        """
        defaults = self.defaults
        spec = WorkerSpec(
            id=worker_id,
            model=asked.model,
            slots=asked.slots if asked.slots is not None else defaults.slots,
            restart=asked.restart if asked.restart is not None else defaults.restart,
            token_interval_ms=(
                asked.token_interval_ms if asked.token_interval_ms is not None else defaults.token_interval_ms
            ),
            memory_limit_bytes=(
                asked.memory_limit_bytes if asked.memory_limit_bytes is not None else defaults.memory_limit_bytes
            ),
        )
        supervisor = Supervisor(spec, self._context)
        await supervisor.allocate()
        if self._closed:  # a stop during the await has already listed the supervisors that it ends
            await supervisor.release()
            raise ApiError(ErrorCode.DRAINING, "this hive is stopping and starts no worker")
        self._admit(supervisor)
        self._reserved.discard(worker_id)
        return supervisor

    def restore(self, rows: Iterable[StoredWorker]) -> None:
        """Run the rows of an earlier hive: each adopts its process, or follows its restart policy."""
        for stored in rows:
            self._admit(Supervisor(stored.spec, self._context, stored))

    async def settled(self, *, within_ms: float) -> bool:
        """Wait, bounded, until it is known for each restored row what became of its process."""
        return await self._changes.until(lambda: all(each.settled for each in self), within_ms=within_ms)

    def notify(self) -> None:
        """Wake those who wait for a row: some row changed."""
        self._changes.notify()

    async def stop_all(self) -> None:
        """Stop every worker concurrently; return when each has ended and its row is removed."""
        self._closed = True
        leaving = list(self)
        for supervisor in leaving:
            supervisor.ask_stop(Reason.HIVE_STOPPING, force=False)
        for done, gone in enumerate(asyncio.as_completed([self._gone(each) for each in leaving]), start=1):
            log.info("worker_stopped", worker_id=await gone, progress=f"{done}/{len(leaving)}")

    async def _gone(self, supervisor: Supervisor) -> str:
        await self._changes.until(lambda: self.find(supervisor.id) is not supervisor)
        return supervisor.id

    def _admit(self, supervisor: Supervisor) -> None:
        self._supervisors[supervisor.id] = supervisor
        # In its own context: a worker outlives the request that spawned it, so its log lines must not have that id.
        task = asyncio.create_task(
            self._supervise(supervisor), name=f"supervisor {supervisor.id}", context=contextvars.Context()
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._context.changed()

    async def _supervise(self, supervisor: Supervisor) -> None:
        try:
            departure = await supervisor.run()
        except Exception as error:  # noqa: BLE001 one broken supervisor must not end the others: its row shows it
            log.exception("supervisor_failed", error, worker_id=supervisor.id)
            departure = await supervisor.broken()
        del self._supervisors[supervisor.id]
        self.departed.append(departure)
        self._context.files.remove_config(supervisor.id)
        await self._row_writer.forget(supervisor.id)
        log.info("worker_removed", worker_id=supervisor.id, reason=departure.reason, forced=departure.forced)
        self._changes.notify()
        self._context.changed()
