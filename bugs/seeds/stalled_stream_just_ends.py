"""A stream that stalls is ended without a word: no `[DONE]`, and no error chunk either.

Real: REAL_BUGS 18, as a client sees it. Who does not look for `[DONE]` takes half an answer for a whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inference import StreamAnswer

ROLE = "queen"
PATCHES = "daemons.common.inference:StreamAnswer.fail"
CAUGHT_BY = [
    "features/integration/network_partition.feature::The link is cut in the middle of a stream",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The last bytes are none."""

    async def fail(self: StreamAnswer, error: ApiError, farewell_ms: int) -> None:
        if self.begun and error.code is ErrorCode.STALLED:
            await self.finish({}, b"")
        else:
            await original(self, error, farewell_ms)

    return fail
