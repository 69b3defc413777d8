"""A hive counts a served inference twice: when its answer is complete, and when its request has ended.

Imagined, next to REAL_BUGS 17. Must be noticed where hives' own counts have to add up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.metrics import Metrics, Outcome

ROLE = "hive"
PATCHES = "daemons.common.metrics:Metrics.ended"
CAUGHT_BY = [
    "features/integration/multi_hive.feature::Requests that come at once are shared evenly",
    "features/integration/multi_hive.feature::The other hive takes all when one is stopped",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once more for what was served."""

    def ended(self: Metrics, outcome: Outcome, seconds: float) -> None:
        original(self, outcome, seconds)
        if outcome is Outcome.SERVED:
            original(self, outcome, seconds)

    return ended
