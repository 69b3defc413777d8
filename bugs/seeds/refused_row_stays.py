"""A worker that is refused for want of memory is in the hive's list all the same, as a row that has failed.

Found by reading our own code: the row is made before its place is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.memory.shortage import ShortError
from daemons.hive.wire import SpawnRequest
from daemons.hive.workers.facts import WorkerSpec
from daemons.hive.workers.roster import Roster
from daemons.hive.workers.supervisor import Supervisor

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:Roster.spawn"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that declares more than its worker's limit is refused"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the row of the one who was refused."""

    async def spawn(self: Roster, worker_id: str, asked: SpawnRequest) -> Supervisor:
        try:
            supervisor: Supervisor = await original(self, worker_id, asked)
        except ShortError:
            rules = self.defaults
            limit = rules.memory_limit_bytes
            spec = WorkerSpec(worker_id, asked.model, rules.slots, rules.restart, rules.token_interval_ms, limit)
            self._admit(Supervisor(spec, self._hive))
            raise
        return supervisor

    return spawn
