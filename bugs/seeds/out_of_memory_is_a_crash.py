"""A worker that ran out of memory is started again and again, like one that crashed.

Real: REAL_BUGS 30 (gpustack #4218).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from daemons.hive.workers.restart import Ending
from daemons.hive.workers.states import Reason

ROLE = "hive"
PATCHES = "daemons.hive.workers.restart:_permanent"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[[Ending], Reason | None]) -> Callable[[Ending], Reason | None]:
    """It is not looked at."""

    def _permanent(ending: Ending) -> Reason | None:
        return original(replace(ending, out_of_memory=False))

    return _permanent
