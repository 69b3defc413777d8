"""The worker's HTTP surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from daemons.common.api import add_cancel_route, add_raw_route, cancel_in, create_api, finish
from daemons.common.completions import (
    CHAT_PATH,
    COMPLETIONS_PATH,
    STREAM_RESPONSE,
    ChatAnswer,
    CompletionAnswer,
    document_chat,
    document_completion,
)

if TYPE_CHECKING:
    from daemons.worker.worker import Worker


def create_app(worker: Worker) -> ASGIApp:
    """The app with its layers."""
    api = create_api(worker, title="beehave worker", description="An inference server for one model.")
    add_raw_route(
        api, CHAT_PATH, worker.inference, document=document_chat, response_model=ChatAnswer, responses=STREAM_RESPONSE
    )
    add_raw_route(
        api,
        COMPLETIONS_PATH,
        worker.inference,
        document=document_completion,
        response_model=CompletionAnswer,
        responses=STREAM_RESPONSE,
    )
    add_cancel_route(api, cancel_in(worker))
    return finish(worker, api)
