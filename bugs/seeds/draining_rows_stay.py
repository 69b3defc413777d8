"""The queen holds the row of a worker that drains until somebody says that it is stopped; it goes, and nobody says so.

Real: REAL_BUGS 22 (production-stack #1091: a DELETE that is lost keeps a dead worker). Rows of workers that crash go.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from daemons.common.wire import WorkerState
from daemons.queen.entries import WorkerEntry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry._held_until"
CAUGHT_BY = ["features/processes/running.feature::A drain ends in time, whatever still runs"]


def seeded(original: Any) -> object:
    """Held while it drains, for good."""
    held: Callable[..., float] = original.__func__

    def _held_until(worker: WorkerEntry, departed: Any) -> float:
        return math.inf if worker.row.state is WorkerState.DRAINING else held(worker, departed)

    return staticmethod(_held_until)
