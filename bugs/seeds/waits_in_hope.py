"""A request that nobody can serve waits for a lease, in the hope that somebody comes, before it is refused.

Imagined. What is answered is right; that it is known already is not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from daemons.common.errors import ApiError, ErrorCode
from daemons.queen.dispatch import Admission

ROLE = "queen"
PATCHES = "daemons.queen.dispatch:Admission.take"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::A hive that is cut off is suspected, then given up",
    f"{PARTITION}::Workers that their hive cannot reach are not routed to, and heal without a restart",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Look, wait, and look again."""

    async def take(self: Admission, model: str, avoid: Collection[str]) -> Any:
        try:
            return await original(self, model, avoid)
        except ApiError as error:
            if error.code is not ErrorCode.NO_WORKER_AVAILABLE:
                raise
        await asyncio.sleep(self._cluster.registry.rules.lease_s)
        return await original(self, model, avoid)

    return take
