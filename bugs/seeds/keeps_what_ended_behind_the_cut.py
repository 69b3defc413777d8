"""What is told while a hive is out of reach is lost: a worker that ended meanwhile is kept when the hive is back.

Real: REAL_BUGS 22 (production-stack #1091: a DELETE event lost during a reconnect). A worker that ends while the link
is whole is gone at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import HiveLease, HiveState, WorkerRow
from daemons.queen.entries import HiveEntry
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry._picture"
CAUGHT_BY = [
    "features/integration/network_partition.feature::What ends behind the cut is gone when the link is restored"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever is not in the first picture after an outage is put into this one and all that follow."""
    kept: dict[str, WorkerRow] = {}

    def _picture(self: Registry, hive: HiveEntry, lease: HiveLease, changes: list[Any]) -> Any:
        there = {row.id for row in lease.workers}
        if hive.state is HiveState.UNAVAILABLE:
            kept.update({each.row.id: each.row for each in self.workers_of(hive.hive_id) if each.row.id not in there})
        rows = [*lease.workers, *(row for row_id, row in kept.items() if row_id not in there)]
        return original(self, hive, lease.model_copy(update={"workers": rows}), changes)

    return _picture
