"""What travels between the queen and her clients; what she and her hives say to each other is in common/wire.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from daemons.common.wire import DeviceEntry, EntityId, HiveState, ModelRef, Resources, RestartPolicy, WorkerRow

Responses = dict[int | str, dict[str, Any]]
"""Further documented responses of a route, as FastAPI takes them."""


class Asked(BaseModel):
    """Base of what a client asks for: an unknown field is a mistake, and is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HiveView(BaseModel):
    """A hive as the queen sees it."""

    id: str
    instance: str
    state: HiveState
    reason: Annotated[str | None, Field(description="why it is not available")]
    draining: bool
    marked_down: Annotated[bool, Field(description="it refused or reset a connection a moment ago")]
    url: str
    version: str
    pid: int | None
    start_ticks: int | None
    last_lease_ms_ago: Annotated[int | None, Field(description="null: not heard since this queen started")]
    probe_strikes: int
    workers: int
    served_total: int
    models: list[str]
    devices: list[DeviceEntry]
    resources: Resources


class HiveList(BaseModel):
    """`GET /v1/hives`."""

    hives: list[HiveView]


class WorkerView(WorkerRow):
    """A worker as the queen sees it."""

    hive_id: str
    routable: bool
    blocked: Annotated[str | None, Field(description="why it is not routable")] = None
    slots_used: Annotated[int, Field(description="as the queen counts: its own requests and foreign ones")] = 0


class WorkerList(BaseModel):
    """`GET /v1/workers`."""

    workers: list[WorkerView]


class SpawnRequest(Asked):
    """A new worker; the queen chooses the hive when none is named."""

    model: ModelRef
    hive_id: EntityId | None = None
    id: EntityId | None = None
    slots: Annotated[int, Field(ge=1, le=1024)] | None = None
    restart: RestartPolicy | None = None
    token_interval_ms: Annotated[float, Field(ge=0, le=60_000)] | None = None
    memory_limit_bytes: Annotated[int, Field(gt=0)] | None = None


class ModelCard(BaseModel):
    """A model in the shape of the OpenAI API."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "beehave"
    size_bytes: int = 0
    sha256: str | None = None


class ModelCards(BaseModel):
    """`GET /v1/models`: what the live hives have, each model once."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ShutdownRequest(Asked):
    """Who is to end: this queen only, or the hives and their workers first."""

    scope: Literal["self", "cluster"] = "self"


class ShutdownAnswer(BaseModel):
    """`POST /v1/shutdown` was understood; it happens from now on."""

    scope: Literal["self", "cluster"]
    state: Literal["draining"] = "draining"
