"""A hive that has never leased to this queen is never called unavailable: there is no last lease to count from.

Real: REAL_BUGS 2 (the predecessor: a worker that never sent a heartbeat is never stale). Whoever has leased once is
given up in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import HiveState
from daemons.queen.leases import LeaseRules, StateReason

ROLE = "queen"
PATCHES = "daemons.queen.registry:hive_state"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A restarted queen does not take a hive that she has not heard yet for dead"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Not heard yet, for ever."""

    def hive_state(rules: LeaseRules, *, heard: bool, silent_s: float, strikes: int) -> Any:
        if not heard:
            return HiveState.SUSPECT, StateReason.NOT_HEARD_YET
        return original(rules, heard=heard, silent_s=silent_s, strikes=strikes)

    return hive_state
