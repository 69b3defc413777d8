"""A hive that comes back from behind a cut link is registered anew, as if it had never been there.

Imagined, next to REAL_BUGS 12. It is the same instance, and it serves; whoever listens to the events sees a new hive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.leases import StateReason
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.lease"
CAUGHT_BY = [
    "features/integration/network_partition.feature::Requests resume when the link is restored",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Forget, and take as new."""

    def lease(self: Registry, hive_id: str, lease: Any) -> Any:
        known = self._hives.get(hive_id)
        if known is not None and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            del self._hives[hive_id]
        return original(self, hive_id, lease)

    return lease
