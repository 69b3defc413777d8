"""A hive gives a worker half a second for a whole answer, and calls it lost after that, whatever the deadline says.

Imagined. A worker that pauses for a second fails all that it had taken, in place of answering late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.client import PeerFault
from daemons.common.relay import _Exchange
from daemons.common.targets import Target

ROLE = "hive"
PATCHES = "daemons.common.relay:_Exchange._pass_through"
PERFORMANCE = "features/integration/performance.feature"
CAUGHT_BY = [
    f"{PERFORMANCE}::A worker's pause is in the report, and a closed loop would have hidden it",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A bound of its own."""

    async def _pass_through(self: _Exchange, target: Target) -> Any:
        if self._call.request.streamed:
            return await original(self, target)
        try:
            async with asyncio.timeout(0.5):
                return await original(self, target)
        except TimeoutError:
            raise self._broken(PeerFault.TIMED_OUT) from None

    return _pass_through
