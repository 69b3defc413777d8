"""A worker makes 256 tokens at most, whatever was asked for, and ends the stream in good order.

Imagined (a default that became a bound). Short answers are whole, long ones end in the middle, with `[DONE]`.
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
    """No more than 256."""

    def generate(self: PacedEngine, prompt: str, max_tokens: int, seed: int) -> AsyncIterator[str]:
        tokens: AsyncIterator[str] = original(self, prompt, min(max_tokens, 256), seed)
        return tokens

    return generate
