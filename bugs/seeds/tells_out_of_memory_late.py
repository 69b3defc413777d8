"""A hive tells the queen of a worker that ran out of memory a second and a half later.

Imagined: it is told in the end, everywhere and rightly; until then the clients are sent to come again.
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
OUT_OF_MEMORY = "features/integration/out_of_memory.feature"
CAUGHT_BY = [f"{OUT_OF_MEMORY}::A model needs more of the host than it declares, held by the hive's watchdog"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Three heartbeats late."""

    async def _pause(self: Supervisor, step: RestartAfter | Rest) -> bool:
        if isinstance(step, Rest) and step.reason is Reason.OUT_OF_MEMORY:
            await asyncio.sleep(1.5)
        return bool(await original(self, step))

    return _pause
