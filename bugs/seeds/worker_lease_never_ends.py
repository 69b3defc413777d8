"""A worker's lease never runs out at its hive: only probes that fail three times say that it is out of reach.

Real: REAL_BUGS 2 (who sends no heartbeat is never stale), for a worker that has sent some.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.facts import WorkerFacts
from daemons.hive.workers.states import Reason

ROLE = "hive"
PATCHES = "daemons.hive.workers.facts:WorkerFacts.health_fault"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::Workers that their hive cannot reach are not routed to, and heal without a restart",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever it is, it is not the lease."""

    def health_fault(self: WorkerFacts, *, now_ms: float, lease_ms: int) -> Reason | None:
        fault: Reason | None = original(self, now_ms=now_ms, lease_ms=lease_ms)
        return None if fault is Reason.LEASE_EXPIRED else fault

    return health_fault
