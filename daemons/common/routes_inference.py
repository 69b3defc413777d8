"""The inference routes of all three daemons, and the route that cancels a request."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Path, Response
from starlette.types import ASGIApp

from daemons.common.api import add_raw_route
from daemons.common.completions import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    STREAM_RESPONSE,
    ChatAnswer,
    CompletionAnswer,
    document_chat,
    document_completion,
)

REQUEST_ID_PATTERN = r"^[A-Za-z0-9._-]{1,128}$"


def add_inference_routes(app: FastAPI, handler: ASGIApp, cancel: Callable[[str], None]) -> None:
    """Add the routes.

    Args:
        app: the daemon's app.
        handler: serves or relays both kinds of inference.
        cancel: ends the request of an id; does nothing when there is none.
    """
    for path, document, answer in (
        (CHAT_PATH, document_chat, ChatAnswer),
        (COMPLETIONS_PATH, document_completion, CompletionAnswer),
    ):
        add_raw_route(app, path, handler, document=document, response_model=answer, responses=STREAM_RESPONSE)

    @app.delete("/v1/requests/{request_id}", status_code=204, tags=["inference"], operation_id="cancel_request")
    async def cancel_request(request_id: str = Path(pattern=REQUEST_ID_PATTERN)) -> Response:
        """Cancel a running request, down to the worker. The same answer when it is repeated or already over."""
        cancel(request_id)
        return Response(status_code=204)
