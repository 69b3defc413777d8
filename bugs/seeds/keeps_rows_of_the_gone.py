"""The queen never drops a row because a hive's picture leaves it out: a worker that is gone stays listed.

Real: REAL_BUGS 22 (production-stack #1091: a DELETE that is lost keeps a dead worker). Rows whose departure is told
still go.
"""

from __future__ import annotations

import math
from typing import Any

from daemons.queen.entries import WorkerEntry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry._held_until"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::Stopped workers leave nothing behind",
    "features/integration/worker_churn.feature::Spawns and stops interleaved fifty times",
    "features/integration/recovery.feature::A stopped hive leaves no worker",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Every row holds for ever."""

    def _held_until(worker: WorkerEntry, departed: Any) -> float:  # noqa: ARG001
        return math.inf

    return staticmethod(_held_until)
