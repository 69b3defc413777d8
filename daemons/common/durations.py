"""Every duration of the daemons with its production default: the one place for default times.

All code takes its times from a `Durations`; the `[durations]` section of a configuration overrides single values, and a
hive passes its own to its workers. All times are whole milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Milliseconds = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Durations(BaseModel):
    """The times and counts of a cluster. The ratios below are validated; the values are free."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heartbeat_ms: Milliseconds = 5_000
    """How often a lease is pushed upward."""
    lease_ms: Milliseconds = 15_000
    """How long a lease holds: three heartbeats, so that one lost push has no effect."""
    probe_ms: Milliseconds = 15_000
    """How often the tier below is probed for its health."""
    probe_strikes: Count = 3
    """Failed probes in a row before a worker is called unhealthy."""
    probe_timeout_ms: Milliseconds = 2_000
    """How long one probe, or one lease push, may take as a whole."""
    connect_ms: Milliseconds = 2_000
    """How long a TCP connect may take."""
    first_token_ms: Milliseconds = 60_000
    """How long a stream may take to its first bytes."""
    between_tokens_ms: Milliseconds = 60_000
    """How long a stream may be silent once it has begun."""
    deadline_ms: Milliseconds = 30_000
    """The deadline of a request without X-Deadline-Ms."""
    drain_ms: Milliseconds = 30_000
    """How long a stopping daemon waits for the inference that runs."""
    flush_timeout_ms: Milliseconds = 500
    """How long an ended request may take to write its error chunk to a client that does not read."""
    kill_grace_ms: Milliseconds = 10_000
    """How long a process may take from SIGTERM, past its drain, to SIGKILL."""
    start_up_ms: Milliseconds = 30_000
    """From a worker's spawn to its ready call, as long as it reports no load progress."""
    start_up_loading_ms: Milliseconds = 300_000
    """From a worker's spawn to its ready call while its load progress moves."""
    idle_stop_ms: Milliseconds = 300_000
    """After how long without a request an idle worker is stopped."""
    orphan_grace_ms: Milliseconds = 30_000
    """How long a worker continues without a hive: two leases."""
    mark_down_ms: Milliseconds = 2_000
    """The cool-down of a worker whose connection was refused or reset."""
    memory_watch_ms: Milliseconds = 100
    """How often a hive checks a worker's memory where no control group holds its limit."""
    download_stall_ms: Milliseconds = 60_000
    """How long a download may be without a byte."""
    download_tries: Count = 6
    """How often a download is tried in all."""
    download_backoff_ms: Milliseconds = 100
    """The pause before the second try; it doubles."""
    restart_backoff_ms: Milliseconds = 500
    """The pause before a worker's first restart; it doubles, with jitter."""
    restart_backoff_cap_ms: Milliseconds = 30_000
    """The longest pause before a restart."""
    breaker_window_ms: Milliseconds = 300_000
    """The window in which restarts are counted against the breaker."""
    breaker_restarts: Count = 5
    """Restarts within the window after which a worker is failed and not restarted any more."""

    @property
    def push_connect_ms(self) -> int:
        """How long a lease's TCP connect may take: a heartbeat at most.

        Where packets are dropped the kernel sends the next SYN only after a second or more, and a new push notices a
        healed link sooner than the old one.
        """
        return min(self.connect_ms, self.heartbeat_ms)

    @model_validator(mode="after")
    def _ratios_hold(self) -> Self:
        if self.lease_ms < 2 * self.heartbeat_ms:
            raise ValueError(
                f"lease_ms ({self.lease_ms}) must be at least two heartbeats (heartbeat_ms is {self.heartbeat_ms})"
            )
        if self.orphan_grace_ms < self.lease_ms:
            raise ValueError(
                f"orphan_grace_ms ({self.orphan_grace_ms}) must be at least one lease (lease_ms is {self.lease_ms})"
            )
        return self
