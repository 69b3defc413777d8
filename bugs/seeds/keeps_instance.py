"""A restarted worker keeps the instance of the process before it: a late word about the old one touches the new one.

Imagined, next to REAL_BUGS 34. Must be noticed wherever a worker has to run again as another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.supervisor import Supervisor

ROLE = "hive"
PATCHES = "daemons.hive.workers.supervisor:Supervisor._pause"
WORKER_CHURN = "features/integration/worker_churn.feature"
CUT_OFF = "features/integration/network_partition.feature::Workers that are cut off from their hive"
CAUGHT_BY = [
    f"{WORKER_CHURN}::A worker that crashes is replaced under its own id",
    f"{CUT_OFF} past the orphan grace end themselves, and come back when it heals",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Pause, and put the old instance back."""

    async def _pause(self: Supervisor, step: Any) -> bool:
        before = self.facts.instance
        goes_on = bool(await original(self, step))
        self.facts.instance = before
        return goes_on

    return _pause
