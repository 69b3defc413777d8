"""An answer that is not streamed loses the space that its first token begins with; a stream keeps it.

Imagined. Must be noticed where both have to be the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.worker.frames import Frames

ROLE = "worker"
PATCHES = "daemons.worker.frames:Frames.whole"
CAUGHT_BY = ["features/full_stack/openai_client.feature::Listing models and streaming a completion"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Trimmed."""

    def whole(self: Frames, tokens: list[str]) -> bytes:
        return bytes(original(self, ["".join(tokens).strip()]))

    return whole
