"""All workers of a hive: their supervisors by id, the spawn and the stop of them, and those that departed."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import Departure
from daemons.hive.config import Worker
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.store import StoredWorker
from daemons.hive.wire import SpawnRequest
from daemons.hive.workers.facts import WorkerSpec
from daemons.hive.workers.scribe import Scribe
from daemons.hive.workers.states import Reason
from daemons.hive.workers.supervisor import Supervisor
from daemons.hive.workers.surroundings import Surroundings

DEPARTED_KEPT: Final = 64
"""How many departures the lease carries: the queen hears of each even when it missed dozens of leases."""


class Roster:
    """The supervisors of this hive. An id is taken from the moment its spawn is asked for until its row is gone."""

    def __init__(self, hive: Surroundings, defaults: Worker, scribe: Scribe) -> None:
        self.departed: deque[Departure] = deque(maxlen=DEPARTED_KEPT)
        self._hive = hive
        self.defaults = defaults
        """What a spawn gets unless it says otherwise; a reload may change it."""
        self._scribe = scribe
        self._supervisors: dict[str, Supervisor] = {}
        self._reserved: set[str] = set()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._board = Noticeboard()

    def __iter__(self) -> Iterator[Supervisor]:
        return iter(list(self._supervisors.values()))

    def find(self, worker_id: str) -> Supervisor | None:
        """The supervisor of a worker, or None."""
        return self._supervisors.get(worker_id)

    def get(self, worker_id: str) -> Supervisor:
        """The supervisor of a worker. Raises ApiError 404."""
        found = self.find(worker_id)
        if found is None:
            raise ApiError(ErrorCode.WORKER_NOT_FOUND, f"this hive has no worker {worker_id}")
        return found

    def uses(self, ref: str) -> bool:
        """Whether any row is for this model, at rest or not: it may be started again."""
        return any(supervisor.facts.spec.model == ref for supervisor in self)

    def reserve(self, worker_id: str | None) -> str:
        """Take an id for a spawn, a new one when None; no await lies between the look and the taking.

        Raises:
            ApiError: 409 when a row, or another spawn under way, has it.
        """
        if worker_id is None:
            worker_id = f"wrk-{uuid.uuid4().hex[:12]}"
        if worker_id in self._supervisors or worker_id in self._reserved:
            raise ApiError(ErrorCode.WORKER_EXISTS, f"this hive has a worker {worker_id} already")
        self._reserved.add(worker_id)
        return worker_id

    def release(self, worker_id: str) -> None:
        """Give back a reserved id; does nothing once it has a row."""
        self._reserved.discard(worker_id)

    async def spawn(self, worker_id: str, asked: SpawnRequest) -> Supervisor:
        """Make the row of a reserved id and let it live.

        Raises:
            ApiError: 503 when the hive has begun to stop, 507 when its model is here and cannot fit into memory.
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
        supervisor = Supervisor(spec, self._hive)
        await supervisor.find_place()
        if self._closed:
            await supervisor.give_place_back()
            raise ApiError(ErrorCode.DRAINING, "this hive is stopping and starts no worker")
        self._admit(supervisor)
        self._reserved.discard(worker_id)
        return supervisor

    def restore(self, rows: Iterable[StoredWorker]) -> None:
        """Make the rows of an earlier hive live again: each takes its process back, or follows its policy."""
        for stored in rows:
            self._admit(Supervisor(stored.spec, self._hive, stored))

    async def settled(self, *, within_ms: float) -> bool:
        """Wait, bounded, until it is known of each restored row what became of its process."""
        return await self._board.until(lambda: all(each.settled for each in self), within_ms=within_ms)

    def looked_at(self) -> None:
        """Some row changed: let those look again who wait for one."""
        self._board.changed()

    async def stop_all(self) -> None:
        """Stop every worker, all at the same time; returns when each has ended and its row is gone."""
        self._closed = True
        leaving = list(self)
        for supervisor in leaving:
            supervisor.ask_stop(Reason.HIVE_STOPPING, force=False)
        for done, gone in enumerate(asyncio.as_completed([self._gone(each) for each in leaving]), start=1):
            log.info("worker_stopped", worker_id=await gone, progress=f"{done}/{len(leaving)}")

    async def _gone(self, supervisor: Supervisor) -> str:
        await self._board.until(lambda: self.find(supervisor.id) is not supervisor)
        return supervisor.id

    def _admit(self, supervisor: Supervisor) -> None:
        self._supervisors[supervisor.id] = supervisor
        # In a context of its own: a worker outlives the request that spawned it, whose id must not mark its later logs.
        task = asyncio.create_task(
            self._live(supervisor), name=f"supervisor {supervisor.id}", context=contextvars.Context()
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._hive.changed()

    async def _live(self, supervisor: Supervisor) -> None:
        try:
            departure = await supervisor.run()
        except Exception as error:  # noqa: BLE001 one broken supervisor must not end the others; it is shown instead
            log.exception("supervisor_failed", error, worker_id=supervisor.id)
            departure = await supervisor.broken()
        del self._supervisors[supervisor.id]
        self.departed.append(departure)
        self._hive.files.remove_config(supervisor.id)
        await self._scribe.forget(supervisor.id)
        log.info("worker_removed", worker_id=supervisor.id, reason=departure.reason, forced=departure.forced)
        self._board.changed()
        self._hive.changed()
