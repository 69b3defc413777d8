"""The routes about models: pull, list, remove, and the progress of a pull."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from daemons.common.errors import ApiError, ErrorCode, dump_json
from daemons.hive.hive import Hive
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.pulls import Pull
from daemons.hive.models.refs import REF_MAX_LENGTH, REF_PATTERN
from daemons.hive.wire import ModelCard, ModelList, PullAnswer, PullProgress, PullRequest, checked_ref

PROGRESS_MS: Final = 100
"""A watcher is told at most ten times a second: it is for people, and every chunk would drown them."""

Ref = Annotated[str, Path(pattern=REF_PATTERN, max_length=REF_MAX_LENGTH), AfterValidator(checked_ref)]

_EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events `progress`, each with a PullProgress, up to one that is `done` or `failed`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def add_model_routes(app: FastAPI, hive: Hive) -> None:
    """Add the routes."""

    @app.post(
        "/v1/models",
        status_code=202,
        tags=["models"],
        operation_id="pull_model",
        responses={200: {"model": PullAnswer, "description": "It is here already"}},
    )
    async def pull_model(body: PullRequest, response: Response) -> PullAnswer:
        """Pull a model from the hub. One download however many ask; 404 when the hub has no such model."""
        node = hive.node()
        await node.catalog.verify()
        pull = await node.pulls.ensure(body.model)
        if pull is None:
            response.status_code = 200
            return PullAnswer(model=body.model, state="done", size_bytes=_size(node.catalog, body.model))
        shown = pull.shown()
        return PullAnswer(model=body.model, state=shown.state, size_bytes=shown.size_bytes)

    @app.get("/v1/models", tags=["models"], operation_id="list_models")
    async def models() -> ModelList:
        """The catalog, in the shape of OpenAI's list."""
        await hive.node().catalog.verify()
        cards = [
            ModelCard(id=model.ref, created=model.created, size_bytes=model.size_bytes, sha256=model.sha256)
            for model in hive.node().catalog
        ]
        return ModelList(data=cards)

    @app.delete("/v1/models/{ref}", status_code=204, tags=["models"], operation_id="remove_model")
    async def remove(ref: Ref) -> Response:
        """Remove a model, or end its pull and remove what that has brought. 409 while a worker is for it."""
        node = hive.node()
        if node.roster.uses(ref):
            raise ApiError(ErrorCode.MODEL_IN_USE, f"a worker of this hive uses {ref}; stop it first")
        await node.pulls.cancel(ref)
        await node.catalog.remove(ref)
        node.pulls.forget(ref)
        return Response(status_code=204)

    @app.get(
        "/v1/models/{ref}/progress",
        tags=["models"],
        operation_id="watch_pull",
        response_class=StreamingResponse,
        responses=_EVENTS,
    )
    async def progress(ref: Ref) -> StreamingResponse:
        """Watch a pull, or learn how the last one went."""
        node = hive.node()
        pull = node.pulls.find(ref)
        if pull is None and ref not in node.catalog:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"this hive has no model {ref} and pulls none")
        size = _size(node.catalog, ref)
        done = PullProgress(model=ref, state="done", received_bytes=size, size_bytes=size, tries=0)
        events = _once(done) if pull is None else _watch(pull, hive.closing)
        return StreamingResponse(events, media_type="text/event-stream")


def _size(catalog: Catalog, ref: str) -> int:
    model = catalog.get(ref)
    return model.size_bytes if model is not None else 0


async def _once(progress: PullProgress) -> AsyncIterator[bytes]:
    yield _event(progress)


async def _watch(pull: Pull, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """An event for each step, at most one in PROGRESS_MS, up to the last; ends early when the hive does."""
    last: PullProgress | None = None
    while not closing.is_set():
        shown = pull.shown()
        if shown != last:
            yield _event(shown)
            last = shown
        if pull.over:
            return
        # Waits for the end alone: what happens before it is looked at after the pause.
        await pull.board.until(lambda: pull.over, within_ms=PROGRESS_MS)


def _event(progress: PullProgress) -> bytes:
    return b"event: progress\ndata: " + dump_json(progress.model_dump(mode="json")) + b"\n\n"
