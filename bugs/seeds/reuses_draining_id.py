"""A worker that drains counts as gone: its id is given to the next spawn while its row and process are still there.

Imagined (ids from the smallest free number). Must be noticed where spawns follow stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import WorkerState
from daemons.hive.workers.roster import Roster

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:Roster.reserve"
CAUGHT_BY = ["features/integration/worker_churn.feature::New workers never get the id of a living one"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """First the ids of those that drain."""

    def reserve(self: Roster, worker_id: str | None) -> str:
        draining = [each.id for each in self if each.facts.state is WorkerState.DRAINING]
        free = [each for each in draining if each not in self._reserved]
        if worker_id is None and free:
            self._reserved.add(free[0])
            return free[0]
        return str(original(self, worker_id))

    return reserve
