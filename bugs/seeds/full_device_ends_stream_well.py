"""A stream that the device has no room for ends as if the model had no more to say.

Real: REAL_BUGS 23 (litellm #36768: a failure in a stream becomes a clean stop).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from daemons.common.errors import ApiError, ErrorCode
from daemons.worker.inference import Inference

ROLE = "worker"
PATCHES = "daemons.worker.inference:Inference._tokens"
CAUGHT_BY = ["features/integration/out_of_memory.feature::The device's memory runs out in the middle of an inference"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """No more tokens is no more tokens."""

    async def _tokens(self: Inference, call: Any, engine: Any, prompt: str) -> AsyncIterator[str]:
        try:
            async for token in original(self, call, engine, prompt):
                yield token
        except ApiError as error:
            if error.code is not ErrorCode.OUT_OF_MEMORY:
                raise

    return _tokens
