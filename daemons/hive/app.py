"""The hive's HTTP interface, documented."""

from __future__ import annotations

from fastapi import FastAPI

from daemons.common.api import create_api
from daemons.common.routes_inference import add_inference_routes
from daemons.hive.hive import Hive
from daemons.hive.routes_models import add_model_routes
from daemons.hive.routes_node import add_node_routes
from daemons.hive.routes_workers import add_worker_routes

_DESCRIPTION = (
    "A node agent: it starts, supervises, restarts and stops the workers of its node, keeps the models that they load, "
    "and relays inference to them."
)


def create_hive_api(hive: Hive) -> FastAPI:
    """Return the documented app of a hive, without the layers around it."""
    app = create_api(hive, title="beehave hive", description=_DESCRIPTION)
    add_inference_routes(app, hive.relay, hive.cancel)
    add_worker_routes(app, hive)
    add_model_routes(app, hive)
    add_node_routes(app, hive)
    return app
