"""The queen takes leases in the order in which they come: a late one puts an older picture over a newer one.

Real: of the kind of REAL_BUGS 5 (an older state is written back). Only disorder shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.lease"
CAUGHT_BY = [
    "features/integration/concurrency.feature::A thousand leases in a random order lose no update and never go backward"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """As if the last sequence had been none."""

    def lease(self: Registry, hive_id: str, lease: Any) -> Any:
        known = self._hives.get(hive_id)
        if known is not None:
            known.pushed_sequence = -1
            known.lease = known.lease.model_copy(update={"sequence": 0})
        return original(self, hive_id, lease)

    return lease
