"""The engine: generates tokens at a configured interval.

The same model, prompt and seed always give the same tokens, so that a cut stream can be compared with the complete one
token by token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Final, Protocol

VOCABULARY: Final = (
    "amber", "bee", "blüte", "bloom", "brood", "bumble", "buzz", "cell", "clover", "comb", "dance", "dawn", "drone",
    "dusk", "egg", "fern", "flight", "flower", "forage", "frame", "garden", "glade", "gold", "guard", "heath", "hive",
    "hum", "heather", "iris", "larva", "lime", "linden", "meadow", "mead", "miel", "mite", "moss", "nectar", "nest",
    "orchard", "petal", "pollen", "poppy", "propolis", "pupa", "queen", "rosée", "royal", "ruche", "sage", "scout",
    "skep", "smoke", "spring", "sting", "summer", "swarm", "thyme", "tilia", "wax", "wing", "worker", "蜂", "蜜",
)  # fmt: skip
"""64 short words. A few are not ASCII: they show a relay that decodes chunks cut inside a character."""


class Engine(Protocol):
    """What generates a worker's tokens."""

    def generate(self, prompt: str, max_tokens: int, seed: int) -> AsyncIterator[str]:
        """Yield the tokens for a prompt, each when it is due; each begins with a space."""
        ...


def count_tokens(text: str) -> int:
    """Return how many tokens a prompt counts as: its words."""
    return len(text.split())


def token_at(base: bytes, index: int) -> str:
    """Return token `index` of the sequence that `base` stands for."""
    digest = hashlib.sha256(base + index.to_bytes(8, "big")).digest()
    return " " + VOCABULARY[digest[0] % len(VOCABULARY)]


def sequence_base(model: str, prompt: str, seed: int) -> bytes:
    """Return the digest of all that a sequence of tokens depends on; lengths separate the parts."""
    digest = hashlib.sha256()
    for part in (model, str(seed), prompt):
        raw = part.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


class PacedEngine:
    """Words by SHA-256, one each `token_interval_ms`, the first after one interval.

    The schedule is fixed at the start, so that a late wake-up or a slow client does not delay the tokens after it.
    """

    def __init__(self, model: str, token_interval_ms: int) -> None:
        self._model = model
        self._interval_s = token_interval_ms / 1000

    async def generate(self, prompt: str, max_tokens: int, seed: int) -> AsyncIterator[str]:
        """Yield the tokens for a prompt, each when it is due."""
        base = sequence_base(self._model, prompt, seed)
        began = time.monotonic()
        for index in range(max_tokens):
            due = began + (index + 1) * self._interval_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            yield token_at(base, index)
