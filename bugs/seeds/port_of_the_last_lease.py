"""Every row shows the port of the worker that leased last: the hive keeps it in one place for all.

Real: of the kind of REAL_BUGS 7. Relaying uses the right port, so that all requests are served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.facts import WorkerFacts

ROLE = "hive"
PATCHES = "daemons.hive.workers.facts:WorkerFacts.row"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::Workers spawned at once all run under their hive",
    "features/integration/concurrency.feature::Workers registered at once are all there, distinct, and found by id",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The row, with the port that was seen first in this hive."""
    port: list[int] = []

    def row(self: WorkerFacts, *, now_ms: float, lease_ms: int) -> Any:
        drawn = original(self, now_ms=now_ms, lease_ms=lease_ms)
        if drawn.port is not None:
            port[:] = port or [drawn.port]
            return drawn.model_copy(update={"port": port[0]})
        return drawn

    return row
