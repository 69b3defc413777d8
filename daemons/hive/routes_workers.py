"""The routes about workers: spawn, list, stop, restart, and the lease that they send."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import ID_PATTERN, WorkerLease, WorkerLeaseAnswer, WorkerRow
from daemons.hive.hive import Hive
from daemons.hive.wire import RowList, SpawnRequest
from daemons.hive.workers.states import Reason

WorkerId = Annotated[str, Path(pattern=ID_PATTERN)]


def add_worker_routes(app: FastAPI, hive: Hive) -> None:
    """Add the routes."""

    @app.post("/v1/workers", status_code=202, tags=["workers"], operation_id="spawn_worker")
    async def spawn(body: SpawnRequest) -> WorkerRow:
        """Start a worker. Its model is pulled first when the catalog lacks it; 404 when the hub lacks it too.

        507 when the model is here and its declared need fits into no device, or not into the memory limit.
        """
        node = hive.node()
        worker_id = node.roster.reserve(body.id)
        try:
            await node.pulls.ensure(body.model)
            supervisor = await node.roster.spawn(worker_id, body)
        finally:
            node.roster.release(worker_id)
        log.info("spawn_accepted", worker_id=worker_id, model=body.model)
        return supervisor.row()

    @app.get("/v1/workers", tags=["workers"], operation_id="list_workers")
    async def workers() -> RowList:
        """Every worker of this hive."""
        return RowList(workers=hive.node().rows())

    @app.get("/v1/workers/{worker_id}", tags=["workers"], operation_id="get_worker")
    async def worker(worker_id: WorkerId) -> WorkerRow:
        """One worker."""
        return hive.node().roster.get(worker_id).row()

    @app.delete("/v1/workers/{worker_id}", status_code=202, tags=["workers"], operation_id="stop_worker")
    async def stop(
        worker_id: WorkerId,
        force: Annotated[bool, Query(description="SIGKILL now, instead of a stop in order")] = False,  # noqa: FBT002 a query
    ) -> WorkerRow:
        """Stop a worker, in order unless forced; its row goes when it has ended. A resting row goes at once."""
        supervisor = hive.node().roster.get(worker_id)
        supervisor.ask_stop(Reason.STOP_ASKED, force=force)
        log.info("stop_accepted", worker_id=worker_id, force=force)
        return supervisor.row()

    @app.post("/v1/workers/{worker_id}/restart", status_code=202, tags=["workers"], operation_id="restart_worker")
    async def restart(worker_id: WorkerId) -> WorkerRow:
        """Stop the worker's process in order and start another: same id, new instance, new PID."""
        supervisor = hive.node().roster.get(worker_id)
        supervisor.ask_restart()
        log.info("restart_accepted", worker_id=worker_id)
        return supervisor.row()

    @app.put("/v1/workers/{worker_id}/lease", tags=["workers"], operation_id="lease_worker")
    async def lease(worker_id: WorkerId, body: WorkerLease) -> WorkerLeaseAnswer:
        """A worker's ready call and heartbeat. 410: its row is gone or another's by now, so it ends itself."""
        supervisor = hive.node().roster.find(worker_id)
        if supervisor is None or not supervisor.lease(body):
            log.warning("lease_refused", worker_id=worker_id, worker_instance=body.instance, worker_pid=body.pid)
            raise ApiError(ErrorCode.LEASE_GONE, "this hive does not know this instance (any more)")
        return WorkerLeaseAnswer(lease_ms=hive.durations.lease_ms, hive_instance=hive.identity.instance)
