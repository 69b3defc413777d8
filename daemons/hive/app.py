"""The hive's HTTP interface: the routes, put together and documented."""

from __future__ import annotations

from fastapi import FastAPI

from daemons.common.api import add_cancel_route, add_raw_route, cancel_in, create_api
from daemons.common.completions import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    STREAM_RESPONSE,
    ChatAnswer,
    CompletionAnswer,
    document_chat,
    document_completion,
)
from daemons.hive.hive import Hive
from daemons.hive.routes_models import add_model_routes
from daemons.hive.routes_node import add_node_routes
from daemons.hive.routes_workers import add_worker_routes

_DESCRIPTION = (
    "A node agent: it starts, watches, restarts and stops the workers of its node, keeps the models that they load, "
    "and relays inference to them."
)


def create_hive_api(hive: Hive) -> FastAPI:
    """The documented app of a hive, without the layers around it."""
    app = create_api(hive, title="beehave hive", description=_DESCRIPTION)
    for path, document, answer in (
        (CHAT_PATH, document_chat, ChatAnswer),
        (COMPLETIONS_PATH, document_completion, CompletionAnswer),
    ):
        add_raw_route(app, path, hive.relay, document=document, response_model=answer, responses=STREAM_RESPONSE)
    add_cancel_route(app, cancel_in(hive))
    add_worker_routes(app, hive)
    add_model_routes(app, hive)
    add_node_routes(app, hive)
    return app
