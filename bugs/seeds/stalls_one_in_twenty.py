"""Every twentieth request waits for four tenths of a second at its hive.

Imagined (a lock that is held for long, and seldom asked for). Mean and p99 of the load stay within their bounds; a
client that asks again and again meets it all the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from daemons.common.inference import Call
from daemons.common.relay import Relay

ROLE = "hive"
PATCHES = "daemons.common.relay:Relay.serve"
PERFORMANCE = "features/integration/performance.feature"
CAUGHT_BY = [
    f"{PERFORMANCE}::A worker's pause is in the report, and a closed loop would have hidden it",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One in twenty."""
    numbers = count(1)

    async def serve(self: Relay, call: Call) -> Any:
        if next(numbers) % 20 == 0:
            await asyncio.sleep(0.4)
        return await original(self, call)

    return serve
