"""The routes about models: pull, list, remove, and the progress of a pull."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import FastAPI, Path, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator

from daemons.common.errors import ApiError, ErrorCode, dump_json
from daemons.common.wire import MODEL_REF_MAX_LENGTH, MODEL_REF_PATTERN, ModelCard, ModelList, checked_ref
from daemons.hive.hive import Hive
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.pulls import Pull
from daemons.hive.wire import PullAnswer, PullProgress, PullRequest

PROGRESS_MS: Final = 100
"""The shortest time between two events: the progress is for people, who need no event for each chunk."""

Ref = Annotated[str, Path(pattern=MODEL_REF_PATTERN, max_length=MODEL_REF_MAX_LENGTH), AfterValidator(checked_ref)]

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
        """Pull a model from the hub: one download however many requests. 404 when the hub has no such model."""
        runtime = hive.runtime()
        await runtime.catalog.verify()
        pull = await runtime.pulls.ensure(body.model)
        if pull is None:
            response.status_code = 200
            return PullAnswer(model=body.model, state="done", size_bytes=_size(runtime.catalog, body.model))
        progress = pull.snapshot()
        return PullAnswer(model=body.model, state=progress.state, size_bytes=progress.size_bytes)

    @app.get("/v1/models", tags=["models"], operation_id="list_models")
    async def models() -> ModelList:
        """List the models of this hive, in the shape of OpenAI's list."""
        await hive.runtime().catalog.verify()
        cards = [
            ModelCard(id=model.ref, created=model.created, size_bytes=model.size_bytes, sha256=model.sha256)
            for model in hive.runtime().catalog
        ]
        return ModelList(data=cards)

    @app.delete("/v1/models/{ref}", status_code=204, tags=["models"], operation_id="remove_model")
    async def remove(ref: Ref) -> Response:
        """Remove a model, or cancel its pull and remove the downloaded part. 409 while a worker uses it."""
        runtime = hive.runtime()
        if runtime.pool.uses(ref):
            raise ApiError(ErrorCode.MODEL_IN_USE, f"a worker of this hive uses {ref}; stop it first")
        # Before the removal: a pull that ended after it would register the model again.
        await runtime.pulls.cancel(ref)
        await runtime.catalog.remove(ref)
        runtime.pulls.forget(ref)
        return Response(status_code=204)

    @app.get(
        "/v1/models/{ref}/progress",
        tags=["models"],
        operation_id="watch_pull",
        response_class=StreamingResponse,
        responses=_EVENTS,
    )
    async def progress(ref: Ref) -> StreamingResponse:
        """Watch a pull, or read the outcome of the last one."""
        runtime = hive.runtime()
        pull = runtime.pulls.find(ref)
        if pull is None and ref not in runtime.catalog:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"this hive has no model {ref} and does not pull it")
        size = _size(runtime.catalog, ref)
        done = PullProgress(model=ref, state="done", received_bytes=size, size_bytes=size, tries=0)
        events = _once(done) if pull is None else _watch(pull, hive.closing)
        return StreamingResponse(events, media_type="text/event-stream")


def _size(catalog: Catalog, ref: str) -> int:
    model = catalog.get(ref)
    return model.size_bytes if model is not None else 0


async def _once(progress: PullProgress) -> AsyncIterator[bytes]:
    yield _event(progress)


async def _watch(pull: Pull, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield an event for each change, at most one in PROGRESS_MS, up to the last; end early when the hive stops."""
    last: PullProgress | None = None
    while not closing.is_set():
        progress = pull.snapshot()
        if progress != last:
            yield _event(progress)
            last = progress
        if pull.over:
            return
        # Waits for the end alone: progress before it is shown after the pause.
        await pull.changes.until(lambda: pull.over, within_ms=PROGRESS_MS)


def _event(progress: PullProgress) -> bytes:
    return b"event: progress\ndata: " + dump_json(progress.model_dump(mode="json")) + b"\n\n"
