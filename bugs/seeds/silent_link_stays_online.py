"""A link that falls silent stays "online": only probes that fail end a hive's lease, and those wait for their timeouts.

Real: REAL_BUGS 20.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import HiveState
from daemons.queen.leases import LeaseRules, StateReason

ROLE = "queen"
PATCHES = "daemons.queen.registry:hive_state"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A hive that is cut off is suspected, then given up",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever was heard once is never silent."""

    def hive_state(
        rules: LeaseRules, *, heard: bool, silent_s: float, strikes: int
    ) -> tuple[HiveState, StateReason | None]:
        verdict: tuple[HiveState, StateReason | None] = original(
            rules, heard=heard, silent_s=0.0 if heard else silent_s, strikes=strikes
        )
        return verdict

    return hive_state
