"""A worker's id is made of the second in which it was spawned: two spawns in one instant want one id.

Real: of the kind of REAL_BUGS 7 (two spawns in one instant get one port). Must be noticed where workers are spawned at
once.
"""

from __future__ import annotations

import time
from types import ModuleType, SimpleNamespace

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:uuid"
CAUGHT_BY = ["features/integration/worker_churn.feature::Workers spawned at once all run under their hive"]


def seeded(original: ModuleType) -> SimpleNamespace:  # noqa: ARG001
    """Seconds in place of chance."""
    return SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{int(time.time()):012x}"))
