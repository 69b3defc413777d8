"""What was asked of a worker."""

from __future__ import annotations

from dataclasses import dataclass

from daemons.common.wire import RestartPolicy


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What was asked for; it never changes while the row exists."""

    id: str
    model: str
    slots: int
    restart: RestartPolicy
    token_interval_ms: int
    memory_limit_bytes: int | None = None
