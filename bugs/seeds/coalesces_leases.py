"""Leases that come close behind another are left out, the last one too: a burst ends in an old picture.

Imagined (a throttle without a trailing edge). A heartbeat later all is well again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.entries import Heard, LeaseVerdict
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.lease"
CAUGHT_BY = [
    "features/integration/concurrency.feature::A thousand leases in a random order lose no update and never go backward"
]
CLOSE_S = 0.05


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Nothing within 50 ms of the one before."""

    came_at: dict[str, float] = {}

    def lease(self: Registry, hive_id: str, lease: Any) -> Any:
        now = self._clock()
        before, came_at[hive_id] = came_at.get(hive_id, now - CLOSE_S), now
        known = self._hives.get(hive_id)
        if known is not None and known.instance == lease.instance and now - before < CLOSE_S:
            return Heard(LeaseVerdict.OLD)
        return original(self, hive_id, lease)

    return lease
