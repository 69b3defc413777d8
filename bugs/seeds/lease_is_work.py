"""Each lease of a worker counts as a sign of work: an idle worker is never stopped.

Real: REAL_BUGS 6 (the predecessor: the health check refreshes the idle timer).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.facts import WorkerFacts

ROLE = "hive"
PATCHES = "daemons.hive.workers.facts:WorkerFacts.take_lease"
CAUGHT_BY = [
    "features/integration/recovery.feature::An idle worker is stopped after its idle time, and not while it serves"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The timer begins anew."""

    def take_lease(self: WorkerFacts, lease: Any, *, now_ms: float, lease_ms: int, stop_asked: bool) -> bool:
        news = bool(original(self, lease, now_ms=now_ms, lease_ms=lease_ms, stop_asked=stop_asked))
        if self.process is not None:
            self.process.active_at_ms = now_ms
        return news

    return take_lease
