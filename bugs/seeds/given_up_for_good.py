"""A hive that was given up must come back as another one: the leases of its instance are refused from then on.

Real: of the kind of REAL_BUGS 13 (nobody registers again). A hive that is started anew joins; one behind a healed link
does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.entries import Heard, LeaseVerdict
from daemons.queen.leases import StateReason
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.lease"
CAUGHT_BY = [
    "features/integration/network_partition.feature::Requests resume when the link is restored",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Too late is too late."""

    def lease(self: Registry, hive_id: str, lease: Any) -> Any:
        known = self._hives.get(hive_id)
        same = known is not None and known.instance == lease.instance
        if same and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            return Heard(LeaseVerdict.GONE)
        return original(self, hive_id, lease)

    return lease
