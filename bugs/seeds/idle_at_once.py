"""A worker is stopped for idleness after half of its idle time.

Imagined. It is stopped, and says why; only the time is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.facts import ProcessFacts

ROLE = "hive"
PATCHES = "daemons.hive.workers.facts:ProcessFacts.idle_left_ms"
CAUGHT_BY = [
    "features/integration/recovery.feature::An idle worker is stopped after its idle time, and not while it serves"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Half of it."""

    def idle_left_ms(self: ProcessFacts, idle_stop_ms: int, *, now_ms: float) -> float:
        return float(original(self, idle_stop_ms // 2, now_ms=now_ms))

    return idle_left_ms
