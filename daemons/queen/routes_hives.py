"""The routes about hives: lease, list, remove."""

from __future__ import annotations

from fastapi import FastAPI, Response

from daemons.common.api import ErrorAnswer
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import EntityId, HiveLease, HiveLeaseAnswer
from daemons.queen.entries import HiveEntry
from daemons.queen.queen import Queen
from daemons.queen.versions import refuse_incompatible
from daemons.queen.wire import HiveList, HiveView, Responses

_REFUSED: Responses = {
    409: {"model": ErrorAnswer, "description": "The hive is of another major version, or older than this queen"},
    410: {"model": ErrorAnswer, "description": "A newer instance took over, or the hive was removed"},
}
_UNKNOWN: Responses = {404: {"model": ErrorAnswer, "description": "No such hive"}}


def add_hive_routes(app: FastAPI, queen: Queen) -> None:
    """Add the routes."""
    state = queen.state

    def find(hive_id: str) -> HiveEntry:
        hive = state.registry.hive(hive_id)
        if hive is None:
            raise ApiError(ErrorCode.HIVE_NOT_FOUND, f"there is no hive {hive_id}")
        return hive

    @app.put("/v1/hives/{hive_id}/lease", operation_id="lease_hive", tags=["hives"], responses=_REFUSED)
    async def lease_hive(hive_id: EntityId, body: HiveLease) -> HiveLeaseAnswer:
        """Take in a hive's heartbeat with its complete state. An older sequence of the same instance has no effect."""
        refuse_incompatible(body.version)
        state.leased(hive_id, body)
        return HiveLeaseAnswer(lease_ms=queen.durations.lease_ms, queen_instance=queen.identity.instance)

    @app.get("/v1/hives", operation_id="list_hives", tags=["hives"])
    async def list_hives() -> HiveList:
        """Return all hives that this queen knows, available or not."""
        return HiveList(hives=[queen.cluster.hive_view(hive) for hive in state.registry.hives()])

    @app.get("/v1/hives/{hive_id}", operation_id="get_hive", tags=["hives"], responses=_UNKNOWN)
    async def get_hive(hive_id: EntityId) -> HiveView:
        """Return one hive."""
        return queen.cluster.hive_view(find(hive_id))

    @app.delete("/v1/hives/{hive_id}", operation_id="remove_hive", tags=["hives"], status_code=204, responses=_UNKNOWN)
    async def remove_hive(hive_id: EntityId) -> Response:
        """Remove a hive and its workers; they are not routed to from now on.

        Nothing is stopped. The hive's present instance is refused with 410 until it is restarted.
        """
        find(hive_id)
        state.apply(state.registry.remove_hive(hive_id) or [])
        return Response(status_code=204)
