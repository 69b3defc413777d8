"""How a worker process ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    `exit_status` and `signal` are both None when they cannot be known: an adopted worker is not this hive's child,
    and the kernel gives the status to the parent alone.
    """

    exit_status: int | None
    signal: int | None
    announced_draining: bool = False
    """It announced its drain before it ended: a graceful exit, when the status is unknown."""
    start_up_timed_out: bool = False
    out_of_memory: bool = False
    """Proved. The same model on the same device would run out of memory again."""

    def __str__(self) -> str:
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        return "ended, exit status unknown" if self.exit_status is None else f"exit status {self.exit_status}"

    @property
    def clean(self) -> bool:
        """Whether the worker exited gracefully."""
        if self.exit_status is None and self.signal is None:
            return self.announced_draining
        return self.exit_status == 0

    @property
    def how(self) -> HowEnded:
        """The ending as the metric names it."""
        if self.signal is not None:
            return HowEnded.SIGNAL
        if self.exit_status is None:
            return HowEnded.UNKNOWN
        return HowEnded.CLEAN if self.exit_status == 0 else HowEnded.ERROR


class HowEnded(StrEnum):
    """The closed list of the metric `hive_worker_exits_total{how}`."""

    CLEAN = "clean"
    ERROR = "error"
    SIGNAL = "signal"
    UNKNOWN = "unknown"
    """An adopted worker: the hive is not its parent."""
