"""The queen gives a hive six tenths of a second for a whole answer: over a slow link nothing is served.

Imagined (a bound chosen on loopback). Leases and probes have the right bounds, so that the hive is available.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.client import PeerFault
from daemons.common.relay import _Exchange
from daemons.common.targets import Target

ROLE = "queen"
PATCHES = "daemons.common.relay:_Exchange._pass_through"
CAUGHT_BY = ["features/integration/network_partition.feature::A slow link stays available"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A bound of her own, whatever the deadline says."""

    async def _pass_through(self: _Exchange, target: Target) -> Any:
        if self._call.request.streamed:
            return await original(self, target)
        try:
            async with asyncio.timeout(0.6):
                return await original(self, target)
        except TimeoutError:
            raise self._broken(PeerFault.TIMED_OUT) from None

    return _pass_through
