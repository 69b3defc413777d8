"""A hive that leases again after its lease had run out is available at once, but its workers are not taken in again.

Real: REAL_BUGS 13 (after a loss nobody registers again).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.leases import StateReason
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.lease"
CONCURRENCY = "features/integration/concurrency.feature"
CAUGHT_BY = [f"{CONCURRENCY}::A hive that registers again just while its rows are cleaned up is there once"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A lease after a loss brings no rows, if they were removed meanwhile."""

    def lease(self: Registry, hive_id: str, lease: Any) -> Any:
        known = self._hives.get(hive_id)
        if known is not None and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            here = {each.row.id for each in self.workers_of(hive_id)}
            lease = lease.model_copy(update={"workers": [row for row in lease.workers if row.id in here]})
        return original(self, hive_id, lease)

    return lease
