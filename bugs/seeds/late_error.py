"""The client of a broken stream is told only after some time: the hive first asks around whether the worker comes back.

Imagined, next to REAL_BUGS 24. Must be noticed where a second is the bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.errors import ApiError
from daemons.common.inference import StreamAnswer

ROLE = "hive"
PATCHES = "daemons.common.inference:StreamAnswer.fail"
CAUGHT_BY = [
    "features/integration/worker_restart_during_inference.feature::The worker is killed in the middle of a stream"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Three heartbeats late."""

    async def fail(self: StreamAnswer, error: ApiError, farewell_ms: int) -> None:
        if self.begun:
            await asyncio.sleep(1.5)
        await original(self, error, farewell_ms)

    return fail
