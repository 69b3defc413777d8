"""The queen's HTTP API: the routes, put together and documented."""

from __future__ import annotations

from fastapi import FastAPI

from daemons.common.api import create_api
from daemons.common.routes_inference import add_inference_routes
from daemons.queen.queen import Queen
from daemons.queen.routes_cluster import add_cluster_routes
from daemons.queen.routes_hives import add_hive_routes
from daemons.queen.routes_workers import add_worker_routes

DESCRIPTION = "Registry, routing and relay: clients and operators speak to the queen, hives send their leases to it."


def create_app(queen: Queen) -> FastAPI:
    """Return the documented app of a queen, without the layers around it."""
    app = create_api(queen, title="queen", description=DESCRIPTION)
    add_inference_routes(app, queen.inference, queen.cancel)
    add_hive_routes(app, queen)
    add_worker_routes(app, queen)
    add_cluster_routes(app, queen)
    return app
