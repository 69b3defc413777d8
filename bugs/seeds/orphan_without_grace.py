"""A worker ends itself when two pushes to its hive have failed, whatever the grace is.

Imagined. A hive that is killed and comes back within the grace finds nobody.
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
    """Two failures are enough."""

    def failed(self: LeaseClock, now: float) -> bool:
        original(self, now)
        return self.failures >= 2

    return failed
