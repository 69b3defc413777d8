"""A worker hands its tokens over thirty at a time: a stream of twenty milliseconds a token stutters.

Imagined (a buffer in the engine, as of a batch). Every token comes, in order, and none is lost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from daemons.worker.engine import PacedEngine

ROLE = "worker"
PATCHES = "daemons.worker.engine:PacedEngine.generate"
PERFORMANCE = "features/integration/performance.feature"
CAUGHT_BY = [
    f"{PERFORMANCE}::Requests are answered in time beside a stream of 10 seconds",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Thirty at a time, and what is left at the end."""

    async def generate(self: PacedEngine, prompt: str, max_tokens: int, seed: int) -> AsyncIterator[str]:
        ready: list[str] = []
        async for token in original(self, prompt, max_tokens, seed):
            ready.append(token)
            if len(ready) == 30:
                for each in ready:
                    yield each
                ready.clear()
        for each in ready:
            yield each

    return generate
