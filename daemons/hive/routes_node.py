"""The routes about the node itself: its lease, what it has, and its end."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from daemons.common.wire import ShutdownRequest
from daemons.hive.hive import Hive
from daemons.hive.wire import Accepted, DeviceList, Lease, NodeResources


def add_node_routes(app: FastAPI, hive: Hive) -> None:
    """Add the routes."""

    @app.get("/v1/lease", tags=["node"], operation_id="get_lease")
    async def lease() -> Lease:
        """What this hive pushes to the queen, drawn now: a queen that was restarted asks for it."""
        return hive.node().picture()

    @app.get("/v1/devices", tags=["node"], operation_id="list_devices")
    async def devices() -> DeviceList:
        """The declared devices of this node, with what each worker has of them now."""
        return DeviceList(devices=await asyncio.to_thread(hive.node().places.devices))

    @app.get("/v1/resources", tags=["node"], operation_id="get_resources")
    async def resources() -> NodeResources:
        """Processors, memory and disk of this node."""
        return hive.node().resources()

    @app.post("/v1/shutdown", status_code=202, tags=["node"], operation_id="shutdown")
    async def shutdown(body: ShutdownRequest | None = None) -> Accepted:
        """Stop this hive: it drains, stops its workers and ends. Both scopes mean the same here."""
        hive.request_shutdown("api", scope=body.scope if body is not None else "self")
        return Accepted()
