"""Spawning, stopping and restarting workers: the queen chooses a hive and forwards the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from daemons.common.client import PeerFault
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import HiveState, WorkerRow, WorkerState
from daemons.queen.entries import HiveEntry, WorkerEntry
from daemons.queen.peers import HiveCalls, unreachable
from daemons.queen.routing import choose_spawn_site
from daemons.queen.state import QueenState
from daemons.queen.wire import ClusterSpawnRequest


class Spawning:
    """Forwards requests about workers to their hives."""

    def __init__(self, state: QueenState, calls: HiveCalls) -> None:
        self._state = state
        self._calls = calls
        self._reserved: set[str] = set()  # worker ids of requests under way: of several at once, one succeeds
        self._under_way: list[str] = []  # the hive id of each request under way

    async def spawn(self, order: ClusterSpawnRequest) -> WorkerRow:
        """Spawn a worker; return the hive's row.

        Raises:
            ApiError: 404 no such hive, 409 the id is taken, 502 the hive does not answer, 503 no hive is usable, 507
                no hive has the memory, or the hive's own error.
        """
        full: dict[str, ApiError] = {}
        while True:
            hive = self._site(order, full)
            try:
                return await self._spawn_on(hive, order)
            except ApiError as error:
                if error.code is not ErrorCode.OUT_OF_MEMORY or order.hive_id is not None:
                    raise
                full[hive.hive_id] = error  # another hive may have the memory

    async def _spawn_on(self, hive: HiveEntry, order: ClusterSpawnRequest) -> WorkerRow:
        body = order.model_dump(mode="json", exclude={"hive_id"}, exclude_none=True)
        with self._order(order.id, hive.hive_id):
            row = await self._calls.spawn(hive, body)
            self._state.apply(self._state.registry.spawned(hive.hive_id, row))
        return row

    async def stop(self, worker_id: str, *, force: bool) -> WorkerRow:
        """Stop a worker, gracefully or by SIGKILL. One that its hive does not have any more is gone too."""
        worker, hive = self._find(worker_id)
        try:
            row = await self._calls.stop(hive, worker_id, force=force)
        except ApiError as error:
            if error.code is not ErrorCode.WORKER_NOT_FOUND:
                raise
            self._state.apply(self._state.registry.forget_worker(worker_id, worker.row.instance, "gone"))
            return worker.row.model_copy(update={"state": WorkerState.STOPPED, "reason": "gone"})
        self._state.apply(self._state.registry.answered(hive.hive_id, row))
        return row

    async def restart(self, worker_id: str) -> WorkerRow:
        """Stop a worker and start it again under its id."""
        _, hive = self._find(worker_id)
        row = await self._calls.restart(hive, worker_id)
        self._state.apply(self._state.registry.answered(hive.hive_id, row))
        return row

    def _site(self, order: ClusterSpawnRequest, full: Mapping[str, ApiError]) -> HiveEntry:
        """Return the hive for a new worker; `full` are those that have refused it for lack of memory."""
        registry = self._state.registry
        if order.hive_id is not None:
            hive = registry.hive(order.hive_id)
            if hive is None:
                raise ApiError(ErrorCode.HIVE_NOT_FOUND, f"there is no hive {order.hive_id}")
            if registry.state_of(hive)[0] is HiveState.UNAVAILABLE:
                raise unreachable(hive.hive_id, PeerFault.TIMED_OUT)
            return hive
        sites = self._state.cluster.spawn_sites(order.model, self._under_way)
        site = choose_spawn_site(each for each in sites if each.hive_id not in full)
        if site is None and full:
            raise list(full.values())[-1]
        hive = registry.hive(site.hive_id) if site else None
        if hive is None:
            states = {each.hive_id: registry.state_of(each)[0].value for each in registry.hives()}
            raise ApiError(ErrorCode.NO_WORKER_AVAILABLE, "no hive can take a worker now", details={"hives": states})
        return hive

    @contextmanager
    def _order(self, worker_id: str | None, hive_id: str) -> Iterator[None]:
        """Reserve the worker id, and count the request for its hive, while it is under way."""
        if worker_id is not None:
            if worker_id in self._reserved or self._state.registry.worker(worker_id) is not None:
                raise ApiError(ErrorCode.WORKER_EXISTS, f"there is a worker {worker_id} already")
            self._reserved.add(worker_id)
        self._under_way.append(hive_id)
        try:
            yield
        finally:
            self._under_way.remove(hive_id)
            if worker_id is not None:
                self._reserved.discard(worker_id)

    def _find(self, worker_id: str) -> tuple[WorkerEntry, HiveEntry]:
        worker = self._state.registry.worker(worker_id)
        hive = self._state.registry.hive(worker.hive_id) if worker else None
        if worker is None or hive is None:
            raise ApiError(ErrorCode.WORKER_NOT_FOUND, f"there is no worker {worker_id}")
        return worker, hive
