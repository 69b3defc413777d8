"""The metric counts every worker that ended by SIGKILL as out of memory; rows, log and restarts are right.

Imagined (the rule of thumb that 137 means out of memory).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any

from daemons.common.wire import Shortage
from daemons.hive.memory.places import Place, Places
from daemons.hive.memory.shortage import By
from daemons.hive.workers.restart import Ending

ROLE = "hive"
PATCHES = "daemons.hive.memory.places:Places.judge"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A worker that is killed by somebody is not called out of memory"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """It must have been that."""

    def judge(
        self: Places,
        place: Place,
        worker_id: str,
        ending: Ending,
        *,
        pid: int | None,
        saw_bytes: int | None,
        log_lines: Sequence[str],
    ) -> Shortage | None:
        found: Shortage | None = original(
            self, place, worker_id, ending, pid=pid, saw_bytes=saw_bytes, log_lines=log_lines
        )
        if found is None and ending.signal == signal.SIGKILL:
            self._outcomes.labels(By.CGROUP).inc()
        return found

    return judge
