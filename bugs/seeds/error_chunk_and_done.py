"""A broken stream ends with its error chunk and then with `[DONE]`: clients that stop at the first are lucky.

Imagined, next to REAL_BUGS 18 and 23.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.errors import ApiError

ROLE = "hive"
PATCHES = "daemons.common.errors:ApiError.chunk"
CAUGHT_BY = [
    "features/integration/worker_restart_during_inference.feature::The worker is killed in the middle of a stream"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The chunk, and `[DONE]` behind it."""

    def chunk(self: ApiError, request_id: str | None = None) -> bytes:
        return bytes(original(self, request_id)) + b"data: [DONE]\n\n"

    return chunk
