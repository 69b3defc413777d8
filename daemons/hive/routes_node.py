"""The routes about the node: its lease, devices, resources and shutdown."""

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
        """Return the lease that this hive pushes to the queen: a queen that was restarted asks for it."""
        return hive.runtime().lease()

    @app.get("/v1/devices", tags=["node"], operation_id="list_devices")
    async def devices() -> DeviceList:
        """Return the declared devices of this node, with the workers that hold memory of them."""
        return DeviceList(devices=await asyncio.to_thread(hive.runtime().allocator.devices))

    @app.get("/v1/resources", tags=["node"], operation_id="get_resources")
    async def resources() -> NodeResources:
        """Return the processors, memory and disk of this node."""
        return hive.runtime().resources()

    @app.post("/v1/shutdown", status_code=202, tags=["node"], operation_id="shutdown")
    async def shutdown(body: ShutdownRequest | None = None) -> Accepted:
        """Stop this hive: it drains, stops its workers and exits. Both scopes mean the same here."""
        hive.request_shutdown("api", scope=body.scope if body is not None else "self")
        return Accepted()
