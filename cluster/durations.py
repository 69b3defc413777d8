"""The times that the daemons run with: the `[durations]` table of beehave.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Durations(BaseModel):
    """The times that the daemons run with, in milliseconds; docs/contract.md says what each means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heartbeat_ms: int = Field(gt=0)
    lease_ms: int = Field(gt=0)
    probe_ms: int = Field(gt=0)
    probe_timeout_ms: int = Field(gt=0)
    drain_ms: int = Field(gt=0)
    kill_grace_ms: int = Field(gt=0)
    orphan_grace_ms: int = Field(gt=0)
    mark_down_ms: int = Field(gt=0)
    idle_stop_ms: int = Field(gt=0)
    connect_ms: int = Field(gt=0)
    first_token_ms: int = Field(gt=0)
    between_tokens_ms: int = Field(gt=0)
    deadline_ms: int = Field(gt=0)
    start_up_ms: int = Field(gt=0)
    start_up_loading_ms: int = Field(gt=0)
    download_stall_ms: int = Field(gt=0)
    restart_backoff_ms: int = Field(gt=0)
    restart_backoff_cap_ms: int = Field(gt=0)
    breaker_window_ms: int = Field(gt=0)
