"""A stream whose worker died ends with `[DONE]`, as if it were whole.

Real: REAL_BUGS 23 (litellm #36768), 18.
"""

from __future__ import annotations

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
    """A clean stop once the stream has begun."""

    async def fail(self: StreamAnswer, error: ApiError, farewell_ms: int) -> None:
        if self.begun:
            await self.finish({}, b"data: [DONE]\n\n")
        else:
            await original(self, error, farewell_ms)

    return fail
