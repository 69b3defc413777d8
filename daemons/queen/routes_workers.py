"""The routes about workers: list, spawn, stop, restart."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query

from daemons.common.api import ErrorAnswer
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import EntityId, WorkerRow, WorkerState
from daemons.queen.queen import Queen
from daemons.queen.wire import ClusterSpawnRequest, Responses, WorkerList, WorkerView

_UNKNOWN: Responses = {404: {"model": ErrorAnswer, "description": "No such worker"}}
_TAKEN: Responses = {409: {"model": ErrorAnswer, "description": "The id is taken"}}
_FORWARDED: Responses = {502: {"model": ErrorAnswer, "description": "The hive did not answer"}}


def add_worker_routes(app: FastAPI, queen: Queen) -> None:
    """Add the routes."""
    registry = queen.state.registry

    @app.get("/v1/workers", operation_id="list_workers", tags=["workers"])
    async def list_workers(
        hive: Annotated[str | None, Query(description="only those of this hive")] = None,
        model: Annotated[str | None, Query(description="only those with this model")] = None,
        state: Annotated[WorkerState | None, Query(description="only those in this state")] = None,
        device: Annotated[str | None, Query(description="only those on this device")] = None,
    ) -> WorkerList:
        """Return all workers of all hives."""
        found = [
            queen.cluster.worker_view(worker)
            for worker in registry.workers()
            if hive in (None, worker.hive_id)
            and model in (None, worker.row.model)
            and state in (None, worker.row.state)
            and device in (None, worker.row.device)
        ]
        return WorkerList(workers=found)

    @app.post(
        "/v1/workers",
        operation_id="spawn_worker",
        tags=["workers"],
        status_code=202,
        responses={**_TAKEN, **_FORWARDED},
    )
    async def spawn_worker(body: ClusterSpawnRequest) -> WorkerRow:
        """Spawn a worker, on the named hive or on one that the queen chooses. 202: it is starting."""
        return await queen.hive_clients.spawning.spawn(body)

    @app.get("/v1/workers/{worker_id}", operation_id="get_worker", tags=["workers"], responses=_UNKNOWN)
    async def get_worker(worker_id: EntityId) -> WorkerView:
        """Return one worker."""
        worker = registry.worker(worker_id)
        if worker is None:
            raise ApiError(ErrorCode.WORKER_NOT_FOUND, f"there is no worker {worker_id}")
        return queen.cluster.worker_view(worker)

    @app.delete(
        "/v1/workers/{worker_id}",
        operation_id="stop_worker",
        tags=["workers"],
        status_code=202,
        responses={**_UNKNOWN, **_FORWARDED},
    )
    async def stop_worker(
        worker_id: EntityId,
        force: Annotated[bool, Query(description="kill it without a drain")] = False,  # noqa: FBT002
    ) -> WorkerRow:
        """Stop a worker. 202: its hive drains it, and its row is removed when it has ended."""
        return await queen.hive_clients.spawning.stop(worker_id, force=force)

    @app.post(
        "/v1/workers/{worker_id}/restart",
        operation_id="restart_worker",
        tags=["workers"],
        status_code=202,
        responses={**_UNKNOWN, **_FORWARDED},
    )
    async def restart_worker(worker_id: EntityId) -> WorkerRow:
        """Stop a worker and start it again: same id, new instance."""
        return await queen.hive_clients.spawning.restart(worker_id)
