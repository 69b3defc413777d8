"""The routes about the cluster as a whole: its models, its events, its end."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Query
from fastapi.responses import StreamingResponse

from daemons.common.wire import HiveState, ModelCard, ModelList, ShutdownRequest
from daemons.queen.queen import Queen
from daemons.queen.wire import Responses, ShutdownAnswer

_EVENT_STREAM: Responses = {
    200: {
        "description": "Server-sent events: `id` is the sequence, `event` the kind, `data` a JSON object with both and "
        "what changed. Comment lines keep an idle stream alive.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def add_cluster_routes(app: FastAPI, queen: Queen) -> None:
    """Add the routes."""

    @app.get("/v1/models", operation_id="list_models", tags=["inference"])
    async def list_models() -> ModelList:
        """Return the models of all hives that are not lost, each once."""
        return ModelList(data=_model_cards(queen))

    @app.get(
        "/v1/events", operation_id="events", tags=["cluster"], response_class=StreamingResponse, responses=_EVENT_STREAM
    )
    async def events(
        since: Annotated[int | None, Query(ge=0, description="start with the events after this sequence")] = None,
        last_event_id: Annotated[
            int | None, Header(ge=0, description="the same, sent by a client that reconnects")
        ] = None,
    ) -> StreamingResponse:
        """Stream the changes of the cluster. Sequences start at 1 with each queen: see `queen_instance`."""
        stream = queen.events.stream(last_event_id if since is None else since, queen.durations.heartbeat_ms / 1000)
        headers = {"cache-control": "no-cache"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @app.post("/v1/shutdown", operation_id="shutdown", tags=["cluster"], status_code=202)
    async def shutdown(body: ShutdownRequest) -> ShutdownAnswer:
        """End this queen, or with scope `cluster` first all hives with their workers."""
        queen.request_shutdown("api", scope=body.scope)
        return ShutdownAnswer(scope=body.scope)


def _model_cards(queen: Queen) -> list[ModelCard]:
    registry = queen.state.registry
    cards: dict[str, ModelCard] = {}
    for hive in registry.hives():
        if registry.state_of(hive)[0] is HiveState.UNAVAILABLE:
            continue
        for entry in hive.lease.models:
            card = ModelCard(id=entry.ref, created=0, size_bytes=entry.size_bytes, sha256=entry.sha256)
            cards.setdefault(entry.ref, card)
    return [cards[ref] for ref in sorted(cards)]
