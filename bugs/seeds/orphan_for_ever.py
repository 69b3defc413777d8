"""A worker without a hive waits for it for ever.

Real: of the kind of REAL_BUGS 33 (llama-swap #138: a killed hive leaves workers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.worker.lease import LeaseClock

ROLE = "worker"
PATCHES = "daemons.worker.lease:LeaseClock.failed"
CAUGHT_BY = [
    "features/integration/recovery.feature::Workers whose hive does not come back end themselves after the grace"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Never gone."""

    def failed(self: LeaseClock, now: float) -> bool:
        original(self, now)
        return False

    return failed
