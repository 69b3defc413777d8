"""A worker whose lease had run out is answered 410 when it leases again, so that it ends itself and is replaced.

Imagined (410 is for who belongs to nobody). The link inside the node was cut, and a loaded model is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import WorkerLease
from daemons.hive.workers.frontdesk import FrontDesk, now_ms
from daemons.hive.workers.states import Reason

ROLE = "hive"
PATCHES = "daemons.hive.workers.frontdesk:FrontDesk.lease"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::Workers that their hive cannot reach are not routed to, and heal without a restart",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Too late."""

    def lease(self: FrontDesk, lease: WorkerLease) -> bool:
        lease_ms = self._hive.durations.lease_ms
        if self.facts.health_fault(now_ms=now_ms(), lease_ms=lease_ms) is Reason.LEASE_EXPIRED:
            return False
        return bool(original(self, lease))

    return lease
