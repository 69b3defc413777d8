"""What all supervisors of a hive share, and what each is told from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from prometheus_client import Counter

from daemons.common.durations import Durations
from daemons.hive.memory.places import Places
from daemons.hive.store import StoredWorker
from daemons.hive.workers.files import WorkerFiles
from daemons.hive.workers.launcher import Launcher
from daemons.hive.workers.prober import Prober
from daemons.hive.workers.states import Reason


class ModelSource(Protocol):
    """Where supervisors get model files from."""

    def path_of(self, ref: str) -> Path | None:
        """The file of a model that is in the catalog, or None."""

    async def obtain(self, ref: str) -> Path:
        """The file of a model, pulled from the hub when it is not there. Raises ApiError."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The hive, as a supervisor sees it."""

    durations: Durations
    files: WorkerFiles
    launcher: Launcher
    prober: Prober
    models: ModelSource
    places: Places
    save: Callable[[StoredWorker], Awaitable[None]]
    """Write a row to disk; a disk that refuses is reported there and does not stop a supervisor."""
    changed: Callable[[], None]
    """A row changed: lease upward at once."""
    announce: Callable[[], Awaitable[None]]
    """Wait, bounded, until the queen has been told of what changed before this call."""
    restarts: Counter
    exits: Counter


@dataclass(slots=True)
class Wishes:
    """What was asked of a supervisor, and is not done yet."""

    stop: Reason | None = field(default=None)
    force: bool = False
    restart: bool = False

    @property
    def end(self) -> bool:
        """Whether the present process is to end."""
        return self.stop is not None or self.restart

    def is_forced(self) -> bool:
        """Whether it is to end at once, by SIGKILL."""
        return self.force
