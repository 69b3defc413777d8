"""No answer is longer than 128 tokens, whatever was asked for.

Imagined: a default that wins over the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from daemons.worker.engine import PacedEngine

ROLE = "worker"
PATCHES = "daemons.worker.engine:PacedEngine.generate"
CAUGHT_BY = ["features/integration/out_of_memory.feature::The device's memory runs out in the middle of an inference"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """At most so many."""

    def generate(self: PacedEngine, prompt: str, max_tokens: int, seed: int) -> AsyncIterator[str]:
        tokens: AsyncIterator[str] = original(self, prompt, min(max_tokens, 128), seed)
        return tokens

    return generate
