"""/health, /ready and /metrics, the same in every daemon; the role adds its part through its Daemon hooks."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from daemons.common.daemon import Daemon, Life
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.metrics import CONTENT_TYPE


class HealthStatus(StrEnum):
    """The health of a daemon and of what is below it."""

    OK = "ok"
    DEGRADED = "degraded"
    DRAINING = "draining"


class HealthAnswer(BaseModel):
    """The identity and health of a daemon, with further fields of its role."""

    model_config = ConfigDict(extra="allow")

    status: HealthStatus
    role: str
    name: str
    instance: str
    pid: int
    start_ticks: int
    version: str
    life: Life
    requests_running: int
    reasons: list[str]


class ReadyAnswer(BaseModel):
    """The daemon can serve."""

    ready: bool
    instance: str


def health_of(daemon: Daemon) -> dict[str, Any]:
    """Return the answer of /health."""
    reasons = list(daemon.degraded())
    status = HealthStatus.DRAINING if daemon.draining else HealthStatus.DEGRADED if reasons else HealthStatus.OK
    return {
        "status": status,
        **asdict(daemon.identity),
        "life": daemon.life,
        "requests_running": len(daemon.inflight),
        "reasons": reasons,
        **daemon.health_details(),
    }


def add_health_routes(app: FastAPI, daemon: Daemon) -> None:
    """Add the three routes."""

    @app.get("/health", response_model=HealthAnswer, tags=["health"], operation_id="health")
    async def health() -> Response:
        """Return the health of this daemon and of what is below it, with 200 as long as it answers at all."""
        return JSONResponse(health_of(daemon))

    @app.get("/ready", response_model=ReadyAnswer, tags=["health"], operation_id="ready")
    async def ready() -> Response:
        """Return 200 when it can serve now, else 503 with the reason."""
        if daemon.draining:
            raise ApiError(ErrorCode.DRAINING, "this server is stopping")
        reason = daemon.not_open()
        if reason is not None or daemon.life is Life.STARTING:
            raise ApiError(ErrorCode.STARTING, reason or f"this {daemon.role} is starting")
        return JSONResponse({"ready": True, "instance": daemon.identity.instance})

    @app.get("/metrics", response_class=Response, tags=["health"], operation_id="metrics")
    async def metrics() -> Response:
        """Return the metrics in Prometheus' text format."""
        return Response(daemon.metrics.text(), media_type=CONTENT_TYPE)
