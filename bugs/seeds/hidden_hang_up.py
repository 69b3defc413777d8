"""A worker does not hear that its client is gone: it makes the rest of the tokens for nobody, in a taken slot.

Real: REAL_BUGS 39 (vllm #10087: a middleware hides the disconnect).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

ROLE = "worker"
PATCHES = "daemons.common.inference:_watch_disconnect"
CAUGHT_BY = [
    "features/integration/concurrency.feature::A client that hangs up frees its slot within a second",
    "features/integration/recovery.feature::A stream through a killed queen ends, and the next one works",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """Wait for something that never comes."""

    async def _watch_disconnect(receive: Any, running: Any) -> None:  # noqa: ARG001
        await asyncio.Event().wait()

    return _watch_disconnect
