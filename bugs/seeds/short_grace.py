"""SIGKILL comes after a tenth of the kill grace: seconds were taken for tenths.

Imagined. Workers that hear SIGTERM say so in time; only one that ignores it shows how long it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.durations import Durations
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.workers.stopping import Stoppable

ROLE = "hive"
PATCHES = "daemons.hive.workers.stopping:_overstayed"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::A worker that ignores SIGTERM is killed after the grace",
    "features/integration/worker_churn.feature::Five workers that ignore SIGTERM take one grace, not five",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A tenth of the grace."""

    async def _overstayed(
        process: Stoppable,
        board: Noticeboard,
        durations: Durations,
        drain_announced: Callable[[], bool],
        forced: Callable[[], bool],
    ) -> Any:
        short = durations.model_copy(update={"kill_grace_ms": durations.kill_grace_ms // 10})
        return await original(process, board, short, drain_announced, forced)

    return _overstayed
