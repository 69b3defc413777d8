"""What all supervisors of a hive share, and the requests that each has not carried out yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prometheus_client import Counter

from daemons.common.durations import Durations
from daemons.hive.memory.allocator import Allocator
from daemons.hive.states import Reason
from daemons.hive.store import StoredWorker
from daemons.hive.workers.files import WorkerFiles
from daemons.hive.workers.launcher import Launcher
from daemons.hive.workers.prober import Prober


class ModelSource(Protocol):
    """Where supervisors get model files from."""

    def path_of(self, ref: str) -> Path | None:
        """Return the file of a model that is in the catalog, or None."""

    async def obtain(self, ref: str) -> Path:
        """Return the file of a model, pulled from the hub when it is missing. Raises ApiError."""


@dataclass(frozen=True, slots=True)
class SupervisorContext:
    """The parts of the hive that a supervisor uses."""

    durations: Durations
    files: WorkerFiles
    launcher: Launcher
    prober: Prober
    models: ModelSource
    allocator: Allocator
    save: Callable[[StoredWorker], Awaitable[None]]
    """Write a row to disk; a failed write is reported there and does not stop a supervisor."""
    changed: Callable[[], None]
    """A row changed: send a lease at once."""
    announce: Callable[[], Awaitable[None]]
    """Wait, bounded, until the queen knows of every change before this call."""
    restarts: Counter
    exits: Counter


@dataclass(slots=True)
class PendingRequests:
    """What was asked of a supervisor and is not done yet."""

    stop: Reason | None = None
    force: bool = False
    restart: bool = False

    @property
    def end(self) -> bool:
        """Whether the present process is to end."""
        return self.stop is not None or self.restart
