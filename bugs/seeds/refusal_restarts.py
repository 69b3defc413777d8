"""A spawn under a taken id is refused with 409, and yet the living worker of that id is restarted by it.

Imagined: a refused request must change nothing (REAL_BUGS 12, half repaired).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.spawning import Spawning

ROLE = "queen"
PATCHES = "daemons.queen.spawning:Spawning.spawn"
CAUGHT_BY = ["features/integration/worker_churn.feature::The id of a living worker cannot be taken"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Restart the worker, then refuse."""

    async def spawn(self: Spawning, order: Any) -> Any:
        if order.id is not None and self._state.registry.worker(order.id) is not None:
            await self.restart(order.id)
        return await original(self, order)

    return spawn
