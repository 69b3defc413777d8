"""What the queen's clients send and get; what the queen and hives send each other is in common/wire.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from daemons.common.wire import DeviceEntry, EntityId, HiveState, Resources, SpawnRequest, WorkerRow

Responses = dict[int | str, dict[str, Any]]
"""Further documented responses of a route, in FastAPI's format."""


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
    last_lease_ms_ago: Annotated[int | None, Field(description="null: no lease since this queen started")]
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


class ClusterSpawnRequest(SpawnRequest):
    """`POST /v1/workers`. The queen chooses the hive when none is named."""

    hive_id: EntityId | None = None


class ShutdownAnswer(BaseModel):
    """The answer of `POST /v1/shutdown`: it has begun."""

    scope: Literal["self", "cluster"]
    state: Literal["draining"] = "draining"
