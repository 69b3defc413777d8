"""The worker's HTTP API: the routes, put together and documented."""

from __future__ import annotations

from fastapi import FastAPI

from daemons.common.api import create_api
from daemons.common.routes_inference import add_inference_routes
from daemons.worker.inference import Inference
from daemons.worker.worker import Worker


def create_app(worker: Worker) -> FastAPI:
    """Return the documented app of a worker, without the layers around it."""
    app = create_api(worker, title="beehave worker", description="An inference server for one model.")
    add_inference_routes(app, Inference(worker), worker.cancel)
    return app
