"""A restarted queen calls every hive that she has not heard yet unavailable, from her first moment on.

Imagined (DESIGN: "for one lease time it declares nobody dead"). Real hives lease at once, so that it lasts for some
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import HiveState
from daemons.queen.leases import LeaseRules, StateReason

ROLE = "queen"
PATCHES = "daemons.queen.registry:hive_state"
CAUGHT_BY = [
    "features/integration/recovery.feature::A restarted queen does not take a hive that she has not heard yet for dead",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Not heard is dead."""

    def hive_state(rules: LeaseRules, *, heard: bool, silent_s: float, strikes: int) -> Any:
        if not heard:
            return HiveState.UNAVAILABLE, StateReason.NEVER_HEARD
        return original(rules, heard=heard, silent_s=silent_s, strikes=strikes)

    return hive_state
