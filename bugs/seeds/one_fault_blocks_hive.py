"""One worker that crashed, or hangs, takes its whole hive out of routing.

Imagined. With a worker on another hive nobody would notice; its neighbours are idle meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.cluster import Cluster
from daemons.queen.routing import Blocked

ROLE = "queen"
PATCHES = "daemons.queen.cluster:Cluster._hive_blocked"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [
    f"{RECOVERY}::A worker's crash is known within a second, and the other worker serves at once",
    f"{RECOVERY}::A hung worker is not routed to until it answers again",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Blocked while one of its workers is."""

    def _hive_blocked(self: Cluster, hive: Any) -> Any:
        blocked = original(self, hive)
        if blocked is None and any(self._worker_blocked(each) for each in self.registry.workers_of(hive.hive_id)):
            return Blocked.HIVE_MARKED_DOWN
        return blocked

    return _hive_blocked
