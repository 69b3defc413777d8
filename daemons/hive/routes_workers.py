"""The routes about workers: spawn, list, stop, restart, and their leases."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import ID_PATTERN, SpawnRequest, WorkerLease, WorkerLeaseAnswer, WorkerRow
from daemons.hive.hive import Hive
from daemons.hive.states import Reason
from daemons.hive.wire import RowList

WorkerId = Annotated[str, Path(pattern=ID_PATTERN)]


def add_worker_routes(app: FastAPI, hive: Hive) -> None:
    """Add the routes."""

    @app.post("/v1/workers", status_code=202, tags=["workers"], operation_id="spawn_worker")
    async def spawn(body: SpawnRequest) -> WorkerRow:
        """Start a worker. Its model is pulled first when it is missing; 404 when the hub does not have it either.

        507 when the model is here and no device, or not the memory limit, is large enough for its declared need.
        """
        runtime = hive.runtime()
        # Reserved before the first await: of two requests with one id the second is refused at once.
        worker_id = runtime.pool.reserve(body.id)
        try:
            await runtime.pulls.ensure(body.model)
            supervisor = await runtime.pool.spawn(worker_id, body)
        finally:
            runtime.pool.release(worker_id)
        log.info("spawn_accepted", worker_id=worker_id, model=body.model)
        return supervisor.row()

    @app.get("/v1/workers", tags=["workers"], operation_id="list_workers")
    async def workers() -> RowList:
        """List the workers of this hive."""
        return RowList(workers=hive.runtime().rows())

    @app.get("/v1/workers/{worker_id}", tags=["workers"], operation_id="get_worker")
    async def worker(worker_id: WorkerId) -> WorkerRow:
        """Return one worker."""
        return hive.runtime().pool.get(worker_id).row()

    @app.delete("/v1/workers/{worker_id}", status_code=202, tags=["workers"], operation_id="stop_worker")
    async def stop(
        worker_id: WorkerId,
        force: Annotated[bool, Query(description="SIGKILL now, instead of a graceful stop")] = False,  # noqa: FBT002 a query
    ) -> WorkerRow:
        """Stop a worker, gracefully unless forced. Its row is removed when it has ended; a resting row at once."""
        supervisor = hive.runtime().pool.get(worker_id)
        supervisor.ask_stop(Reason.STOP_ASKED, force=force)
        log.info("stop_accepted", worker_id=worker_id, force=force)
        return supervisor.row()

    @app.post("/v1/workers/{worker_id}/restart", status_code=202, tags=["workers"], operation_id="restart_worker")
    async def restart(worker_id: WorkerId) -> WorkerRow:
        """Stop the worker's process gracefully and start another: same id, new instance, new PID."""
        supervisor = hive.runtime().pool.get(worker_id)
        supervisor.ask_restart()
        log.info("restart_accepted", worker_id=worker_id)
        return supervisor.row()

    @app.put("/v1/workers/{worker_id}/lease", tags=["workers"], operation_id="lease_worker")
    async def lease(worker_id: WorkerId, body: WorkerLease) -> WorkerLeaseAnswer:
        """Take a worker's ready call and heartbeat. 410: its row is gone or another process's; it must exit."""
        supervisor = hive.runtime().pool.find(worker_id)
        if supervisor is None or not supervisor.lease(body):
            log.warning("lease_refused", worker_id=worker_id, worker_instance=body.instance, worker_pid=body.pid)
            raise ApiError(ErrorCode.LEASE_GONE, "this hive has no such worker instance (any more)")
        return WorkerLeaseAnswer(lease_ms=hive.durations.lease_ms, hive_instance=hive.identity.instance)
