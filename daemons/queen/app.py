"""The queen's HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp

from daemons.common.api import add_cancel_route, add_raw_route, create_api, finish
from daemons.common.completions import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    STREAM_RESPONSE,
    ChatAnswer,
    CompletionAnswer,
    document_chat,
    document_completion,
)
from daemons.common.inflight import EndReason
from daemons.common.logs import log
from daemons.queen import cluster_routes, hive_routes, worker_routes

if TYPE_CHECKING:
    from daemons.queen.queen import Queen

DESCRIPTION = "Registry, routing and relay: clients and operators speak to the queen, hives lease upward to her."


def create_app(queen: Queen) -> tuple[FastAPI, ASGIApp]:
    """The API (for its OpenAPI document), and the same with all layers around it (to be served)."""
    api = create_api(queen, title="queen", description=DESCRIPTION)
    add_raw_route(
        api,
        CHAT_PATH,
        queen.inference,
        document=document_chat,
        response_model=ChatAnswer,
        responses=STREAM_RESPONSE,
    )
    add_raw_route(
        api,
        COMPLETIONS_PATH,
        queen.inference,
        document=document_completion,
        response_model=CompletionAnswer,
        responses=STREAM_RESPONSE,
    )
    add_cancel_route(api, lambda request_id: cancel(queen, request_id))
    api.include_router(hive_routes.create(queen))
    api.include_router(worker_routes.create(queen))
    api.include_router(cluster_routes.create(queen))
    return api, finish(queen, api)


def cancel(queen: Queen, request_id: str) -> None:
    """End a request here, which closes its connection to the hive, and tell the hive that serves it by name: where
    the link is slow or cut in one direction, whichever word arrives first counts."""
    hive = queen.dispatcher.serving(request_id)
    found = queen.inflight.end(request_id, EndReason.CANCELLED)
    log.info("cancel", cancelled_request_id=request_id, found=found)

    async def tell_hive() -> None:
        if hive is not None and not await queen.outside.calls.cancel(hive, request_id):
            log.warning("cancel_not_told", cancelled_request_id=request_id, hive_id=hive.hive_id)

    if hive is not None:
        queen.background(tell_hive(), "cancel")
