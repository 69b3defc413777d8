"""The plan of a generator: what to send, when, and for how long at most."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

COUNT_MAX = 100_000
"""More requests than any run here needs; a typing error must not become an endless load."""


class Pace(StrEnum):
    """When a request is to leave."""

    CONSTANT = "constant"
    """At equal intervals."""
    POISSON = "poisson"
    """At random intervals, like many independent clients: bursts and lulls, the same for the same seed."""
    CLOSED = "closed"
    """After the response to the previous one. Such a client waits while the product stalls and so measures the stall
    once, however many clients it would have hit: here only to show what it hides."""


class LoadPlan(BaseModel):
    """One run of the generator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    body: dict[str, Any]
    """Sent as it is each time; with `stream: true` the answer is read token by token."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of every request; each also gets an `X-Request-Id` of its own."""
    source_host: str | None = None
    """The loopback address to dial from; the kernel's choice when it is not given."""
    pace: Pace = Pace.CONSTANT
    count: int = Field(ge=1, le=COUNT_MAX)
    rate_per_s: float = Field(gt=0, le=10_000)
    seed: int = 1
    timeout_s: float = Field(default=60.0, gt=0, le=3600)
    """From the intended send to the last byte."""
    result_path: Path

    @property
    def seconds(self) -> float:
        """The length of the schedule; the last responses may come up to `timeout_s` later."""
        return self.count / self.rate_per_s

    @property
    def streamed(self) -> bool:
        """Whether the responses are streams."""
        return bool(self.body.get("stream"))
