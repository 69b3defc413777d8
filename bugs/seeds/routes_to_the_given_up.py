"""A hive that is given up is routed to: only suspicion keeps requests away from it.

Imagined, next to REAL_BUGS 19 (workers stay routable when their hive is gone).
"""

from __future__ import annotations

from daemons.common.wire import HiveState
from daemons.queen.routing import Blocked

ROLE = "queen"
PATCHES = "daemons.queen.cluster:_BLOCKING_HIVE"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A hive that is cut off is suspected, then given up",
]


def seeded(original: dict[HiveState, Blocked]) -> dict[HiveState, Blocked]:
    """One state of two."""
    return {state: reason for state, reason in original.items() if state is not HiveState.UNAVAILABLE}
