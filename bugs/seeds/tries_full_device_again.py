"""A worker that ran out of memory rests for a second, and is then started again.

Real: REAL_BUGS 30 (gpustack #4218: restarted for ever after OOM), with a pause that lets all reports go out first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.hive.workers.restart import Rest, RestartAfter
from daemons.hive.workers.states import Reason
from daemons.hive.workers.supervisor import Supervisor

ROLE = "hive"
PATCHES = "daemons.hive.workers.supervisor:Supervisor._pause"
CAUGHT_BY = ["features/integration/out_of_memory.feature::The device's memory runs out in the middle of an inference"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """It may fit by then."""

    async def _pause(self: Supervisor, step: RestartAfter | Rest) -> bool:
        if isinstance(step, Rest) and step.reason is Reason.OUT_OF_MEMORY:
            asyncio.get_running_loop().call_later(1.2, self.ask_restart)
        return bool(await original(self, step))

    return _pause
