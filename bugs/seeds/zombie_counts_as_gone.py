"""A worker's end is seen, but nobody reaps it: each one that ends stays as a zombie, and its status is never known.

Real: REAL_BUGS 15 (`kill(pid, 0)` and zombies), from its other side.
"""

from __future__ import annotations

from daemons.common.process import is_same_process
from daemons.hive.workers.process import WorkerProcess

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:WorkerProcess._over"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::A worker that crashes is replaced under its own id",
    "features/integration/worker_churn.feature::Stopped workers leave nothing behind",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Look, and do not wait for it."""

    def _over(self: WorkerProcess) -> bool:
        return not is_same_process(self.pid, self.start_ticks)

    return _over
