"""The log line of a kill has the hive's own PID in `pid`: the logger's field of that name wins over the worker's.

Imagined (the trap that the queen's state.py avoids). Must be noticed where a kill has to be logged with its PID.
"""

from __future__ import annotations

from collections.abc import Sequence

from daemons.common.logs import log
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.states import KillReason

ROLE = "hive"
PATCHES = "daemons.hive.workers.attendance:log_kill"
CAUGHT_BY = ["features/integration/worker_churn.feature::A worker that ignores SIGTERM is killed after the grace"]


def seeded(original: object) -> object:  # noqa: ARG001
    """The same line without the worker's PID: the logger puts the hive's there."""

    def log_kill(worker_id: str, process: WorkerProcess, why: KillReason, last_lines: Sequence[str] = ()) -> None:
        ticks = process.start_ticks
        lines = list(last_lines)
        log.warning(
            "worker_killed", worker_id=worker_id, start_ticks=ticks, reason=why, signal="SIGKILL", last_lines=lines
        )

    return log_kill
