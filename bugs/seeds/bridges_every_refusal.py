"""A connection that a hive refuses is tried again for a second before anybody is told: it may be restarting.

Imagined (the pauses of `DIAL_PAUSES_S`, put on the hot path). The answer is right, and late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.client import PeerFault
from daemons.common.relay import _BrokenError, _Exchange
from daemons.common.targets import Target

ROLE = "queen"
PATCHES = "daemons.common.relay:_Exchange._pass_through"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A link that resets connections is heard of at once",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Two pauses, then the truth."""

    async def _pass_through(self: _Exchange, target: Target) -> Any:
        for pause_s in (0.4, 0.6):
            try:
                return await original(self, target)
            except _BrokenError as broken:
                if self._answer.begun or broken.attempt.fault is not PeerFault.REFUSED:
                    raise
            await asyncio.sleep(pause_s)
        return await original(self, target)

    return _pass_through
